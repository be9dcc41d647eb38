# One kind of goods in an order.
class OrderLine < ApplicationRecord
  belongs_to :order
end
