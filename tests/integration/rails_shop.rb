# As much of a Rails application as the example needs around it, and its commands: migrate, place ORDERS SEED, send, token
# MEMBER. SHOP_SQLITE names the database, LAURELS_URL the address of Laurels, LAURELS_SIGNING_KEY_FILE the shop's key.
require "active_record"
require "active_support/all"
require "bigdecimal/util"

shop = File.expand_path("../../examples/rails-shop", __dir__)
$LOAD_PATH.unshift(File.join(shop, "lib"))
require "laurels/sender"
require "laurels/tokens"

ActiveRecord::Base.establish_connection(adapter: "sqlite3", database: ENV.fetch("SHOP_SQLITE"), timeout: 20_000)
ActiveRecord::Base.connection.execute("PRAGMA journal_mode=WAL")

class ApplicationRecord < ActiveRecord::Base
  self.abstract_class = true
end

class Customer < ApplicationRecord
end

Dir[File.join(shop, "app/models/*.rb")].sort.each { |model| require model }

def migrate(shop)
  ActiveRecord::Migration.verbose = false
  ActiveRecord::Schema.define { create_table(:customers) { |t| t.string :email } }
  require Dir[File.join(shop, "db/migrate/*.rb")].first
  CreateShop.migrate(:up)
end

def place(orders, seed)
  chance = Random.new(seed)
  orders.times do |number|
    customer = Customer.find_or_create_by!(id: chance.rand(1..6))
    items = Array.new(chance.rand(1..4)) do |n|
      { sku: "SKU-#{n}", quantity: chance.rand(1..3), unit_price: chance.rand(50..6000).to_d / 100 }
    end
    order = Order.place!(customer: customer, items: items)
    next unless (number % 4).zero?

    part = (order.total * chance.rand(1..99) / 100).floor(2)
    order.refund!(part)
    order.refund!(order.total - part) if chance.rand(2).zero?
  end
end

def tokens
  Laurels::Tokens.new(File.read(ENV.fetch("LAURELS_SIGNING_KEY_FILE")))
end

def send_outbox
  client = Laurels::Client.new(url: ENV.fetch("LAURELS_URL"), token: tokens.method(:sender))
  sender = Laurels::Sender.new(outbox: LoyaltyOutbox, client: client, lease: 1)
  nil while sender.send_due.positive?
rescue Laurels::Away => away
  abort away.message
end

case ARGV[0]
when "migrate" then migrate(shop)
when "place" then place(Integer(ARGV[1]), Integer(ARGV[2]))
when "send" then send_outbox
when "token" then print tokens.member(ARGV[1])
end
