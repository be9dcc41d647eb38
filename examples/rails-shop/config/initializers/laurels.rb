# How the shop reaches Laurels. The private key is in the credentials: `bin/rails credentials:edit`, `laurels_key: |`.
require "laurels/sender"
require "laurels/tokens"

Rails.application.config.x.laurels.tap do |laurels|
  laurels.public_url = ENV.fetch("LAURELS_PUBLIC_URL", "/laurels") # where browsers reach it: on the shop's own address
  laurels.tokens = Laurels::Tokens.new(Rails.application.credentials.laurels_key!)
  laurels.client = Laurels::Client.new(
    url: ENV.fetch("LAURELS_URL", "http://127.0.0.1:8000"), token: laurels.tokens.method(:sender)
  )
end
