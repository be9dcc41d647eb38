# As much of a Rails application as the page on queues needs around its Ruby, which is in the file SNIPPET.
# With `sidekiq -r` it is the worker; run by itself it places orders: ruby rails_queue.rb NUMBER
require "active_record"
require "bunny"
require "sidekiq"

ActiveRecord::Base.establish_connection(adapter: "sqlite3", database: ENV.fetch("SHOP_SQLITE"), timeout: 20_000)
unless ActiveRecord::Base.connection.table_exists?(:orders)
  ActiveRecord::Schema.verbose = false
  ActiveRecord::Schema.define do
    create_table :orders do |t|
      t.string :number, null: false
      t.integer :customer_id, null: false
      t.string :currency, null: false
      t.decimal :total, precision: 10, scale: 2, null: false
      t.timestamps
    end
  end
end

class ApplicationRecord < ActiveRecord::Base
  self.abstract_class = true
end

load ENV.fetch("SNIPPET")

if $PROGRAM_NAME == __FILE__
  # Of two orders, one is undone before it is committed: that one nobody is to hear of.
  Integer(ARGV.fetch(0)).times do |n|
    Order.transaction do
      Order.create!(number: "A#{n}", customer_id: 17_850 + n % 3, currency: "GBP", total: "25.00")
      raise ActiveRecord::Rollback if n.odd?
    end
  end
end
