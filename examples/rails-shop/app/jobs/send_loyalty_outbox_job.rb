# Tells Laurels what the shop sold and took back. Comes every few seconds (config/recurring.yml); any number may run.
class SendLoyaltyOutboxJob < ApplicationJob
  PAUSE = "laurels/pause".freeze

  queue_as :loyalty

  # While Laurels is away all of these jobs pause, for as long as it asks, and never all for the same time.
  def perform
    return if Rails.cache.exist?(PAUSE)

    sender = Laurels::Sender.new(outbox: LoyaltyOutbox, client: Rails.configuration.x.laurels.client)
    nil while sender.send_due.positive?
  rescue Laurels::Away => away
    pause = [away.retry_after, rand(10..20)].max
    Rails.cache.write(PAUSE, true, expires_in: pause.seconds)
    logger.warn("#{away.message}. Trying again in #{pause} s.")
  end
end
