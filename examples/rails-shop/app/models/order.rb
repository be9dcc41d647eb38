# A purchase. `total` is the sum of its lines when it was placed; refunds do not change it.
#
# Nothing here talks to Laurels. A checkout that called it would be as slow as the network, would fail when Laurels is
# away, and would sometimes tell of an order that was rolled back, or keep one that it never told of.
class Order < ApplicationRecord
  class RefundRefused < StandardError; end

  belongs_to :customer
  has_many :lines, class_name: "OrderLine"
  has_many :refunds

  # Places a paid order: `items` are hashes of `sku`, `quantity` and `unit_price`, with the price that the shop asks.
  # The order and its outbox row are there together, or neither is.
  def self.place!(customer:, items:, channel: "web")
    transaction do
      total = items.sum { |item| item[:quantity] * item[:unit_price] }
      order = create!(customer: customer, channel: channel, total: total, placed_at: Time.current)
      order.lines.create!(items)
      LoyaltyOutbox.announce_order!(order)
      order
    end
  end

  # Gives back a part of the order, or the rest. Raises RefundRefused for more than is left of it.
  def refund!(amount)
    with_lock do # two refunds at once: the second sees the first
      left = total - refunds.sum(:amount)
      raise RefundRefused, "#{amount} cannot be refunded: #{left} is left." unless amount.positive? && amount <= left

      refund = refunds.create!(amount: amount, refunded_at: Time.current)
      LoyaltyOutbox.announce_refund!(refund)
      refund
    end
  end
end
