# Orders, refunds, and what Laurels has to be told about them.
class CreateShop < ActiveRecord::Migration[6.1]
  def change
    create_table :orders do |t|
      t.bigint :customer_id, null: false, index: true
      t.string :currency, null: false, default: "GBP"
      t.string :channel, null: false, default: "web"
      t.decimal :total, precision: 12, scale: 2, null: false
      t.datetime :placed_at, null: false, precision: 6
    end

    create_table :order_lines do |t|
      t.references :order, null: false, foreign_key: true
      t.string :sku, null: false
      t.integer :quantity, null: false
      t.decimal :unit_price, precision: 12, scale: 2, null: false
    end

    create_table :refunds do |t|
      t.references :order, null: false, foreign_key: true
      t.decimal :amount, precision: 12, scale: 2, null: false
      t.datetime :refunded_at, null: false, precision: 6
    end

    create_table :loyalty_outbox do |t|
      t.references :order, null: false, foreign_key: true, index: false
      t.references :refund, foreign_key: true, index: { unique: true }
      t.json :content, null: false
      t.string :state, null: false, default: "waiting"
      t.datetime :due_at, null: false, precision: 6
      t.string :claim
      t.integer :failures, null: false, default: 0
      t.text :problem
      t.datetime :sent_at, precision: 6

      # An order is announced once, whatever a programmer writes.
      t.index :order_id, unique: true, where: "refund_id IS NULL", name: :an_order_is_announced_once
      t.index %i[due_at id], where: "state = 'waiting'", name: :waiting_by_due_at
      t.index :claim
    end
  end
end
