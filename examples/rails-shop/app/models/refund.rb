# Money given back for an order, whole or in part. Made by Order#refund!.
class Refund < ApplicationRecord
  belongs_to :order
end
