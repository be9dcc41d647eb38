# What Laurels is to be told: an order, or a refund of it. Written with it in one transaction, sent afterwards.
#
# `content` is frozen when the row is written. Laurels takes the same id with the same content as often as it comes, and
# refuses other content; so what is sent again has to be what was sent before, whatever became of the order.
#
# It holds facts alone: how many points they are worth, Laurels' program says. Money goes as text, exactly; times carry
# their offset. A customer is known by the shop's own id, which never changes and tells nobody anything.
class LoyaltyOutbox < ApplicationRecord
  self.table_name = "loyalty_outbox"

  LONGEST_WAIT = 300 # seconds

  belongs_to :order
  belongs_to :refund, optional: true

  scope :waiting, -> { where(state: "waiting") }
  scope :due, -> { waiting.where(due_at: ..Time.current).order(:id) }
  scope :parked, -> { where(state: "parked") } # for a person: Laurels refused them, and would again

  class << self
    def announce_order!(order)
      lines = order.lines.map do |line|
        { sku: line.sku, quantity: line.quantity, unit_price: line.unit_price.to_s("F") }
      end
      content = {
        member_id: order.customer_id.to_s, currency: order.currency, channel: order.channel,
        occurred_at: order.placed_at.iso8601(6), lines: lines, total: order.total.to_s("F"),
        email: order.customer.email.presence
      }
      create!(order: order, content: content.compact, due_at: Time.current)
    end

    def announce_refund!(refund)
      order = refund.order
      content = {
        refund_id: refund.id.to_s, member_id: order.customer_id.to_s, currency: order.currency,
        amount: refund.amount.to_s("F"), occurred_at: refund.refunded_at.iso8601(6)
      }
      create!(order: order, refund: refund, content: content, due_at: Time.current)
    end

    # Takes the oldest rows that are due, for `lease` seconds; then another sender may have them. One statement, so that
    # no transaction is open while the network is slow. SKIP LOCKED: senders do not queue up behind each other. SQLite
    # has no such thing and needs none: there one statement writes at a time.
    def claim(batch:, lease:)
      claim = SecureRandom.uuid
      oldest = due.limit(batch).lock("FOR UPDATE SKIP LOCKED").select(:id)
      where(id: oldest).update_all(claim: claim, due_at: Time.current + lease)
      where(claim: claim).order(:id).to_a
    end

    # Sends parked rows again, after their cause was fixed: LoyaltyOutbox.parked.where(id: 12).send_again
    def send_again
      parked.update_all(state: "waiting", due_at: Time.current, failures: 0, problem: nil)
    end
  end

  def order?
    refund_id.nil?
  end

  # Ids are encoded, so that yours may hold any printable text: SO/2024/001, #1001.
  def path
    order = "/order/#{ERB::Util.url_encode(order_id.to_s)}"
    order? ? order : "#{order}/refund"
  end

  def named_order
    { "order_id" => order_id.to_s, **content }
  end

  def sent!
    mark(state: "sent", sent_at: Time.current, problem: nil)
  end

  def park!(problem)
    mark(state: "parked", problem: problem)
  end

  # Waits twice as long after each failure, by chance up to half of it less.
  def postpone!(problem)
    wait = [2**(failures + 1), LONGEST_WAIT].min * rand(0.5..1.0)
    mark(failures: failures + 1, due_at: Time.current + wait, problem: problem)
  end

  # Gives the row back as it was: nothing is known about it.
  def release!
    mark(due_at: Time.current)
  end

  private

  # Unless the lease ran out: then it is another sender's to say.
  def mark(**changes)
    self.class.waiting.where(id: id, claim: claim).update_all(claim: nil, **changes)
  end
end
