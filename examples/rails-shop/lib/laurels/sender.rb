require "laurels/client"

module Laurels
  # Sends the outbox to Laurels: every row at least once, which is exactly once, as Laurels counts an id once for ever.
  #
  # A sender claims rows by a lease. If it dies, be it between Laurels' answer and the mark in the outbox, the lease runs
  # out and another sender sends the same rows again. Any number of senders may run.
  #
  # Rows go in the order in which they were written. It is a courtesy: a refund may overtake its order on another
  # sender, and Laurels then lets it wait. Rows are known by their state, not by "the last id that was sent": a
  # transaction that commits late shows a row with a small id after those with larger ones.
  class Sender
    # `lease` in seconds: longer than a batch takes.
    def initialize(outbox:, client:, lease: 60, batch: 100)
      @outbox = outbox
      @client = client
      @lease = lease
      @batch = batch
    end

    # Sends one batch of what is due, and tells how many rows it had. Raises Away; what was not sent stays due.
    def send_due
      rows = @outbox.claim(batch: @batch, lease: @lease)
      each_answer(rows) { |row, answer| mark(row, answer) }
      rows.size
    rescue Away
      rows.each(&:release!)
      raise
    end

    private

    # Neighbouring orders go in one request, refunds one by one.
    def each_answer(rows)
      rows.chunk_while { |one, other| one.order? && other.order? }.each do |run|
        together = @client.send_orders(run.map(&:named_order)) if run.size > 1
        # Also where Laurels could not read the list as a whole: then the others need not wait for the culprit.
        run.each_with_index do |row, n|
          yield row, together ? together[n] : @client.send_one(row.path, row.content)
        end
      end
    end

    def mark(row, answer)
      if answer.taken?
        row.sent!
      elsif answer.refused?
        row.park!(answer.problem)
      else
        row.postpone!(answer.problem)
      end
    end
  end
end
