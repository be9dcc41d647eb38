require "jwt"
require "openssl"

module Laurels
  # Tokens for Laurels, signed with the shop's own RSA key: one that lets the sender in, and a short one for each
  # customer. Laurels holds the public half (`auth.mode = "keys"`), so it can check tokens and never make one.
  class Tokens
    MEMBER_LIFE = 300 # seconds: as long as a token that leaked is worth something; the page asks for the next one
    SENDER_LIFE = 600

    def initialize(private_key_pem)
      @key = OpenSSL::PKey::RSA.new(private_key_pem)
    end

    # For a customer's browser: it opens this member's own points, and nothing else.
    def member(member_id)
      sign(MEMBER_LIFE, sub: member_id.to_s)
    end

    # For the sender: it may hand in orders and refunds. It never leaves the shop's servers.
    def sender
      sign(SENDER_LIFE, sub: "shop-sender", laurels: "service", scope: "orders:write")
    end

    private

    def sign(life, **claims)
      now = Time.now.to_i
      JWT.encode({ **claims, iss: "shop", aud: "laurels", iat: now, exp: now + life }, @key, "RS256")
    end
  end
end
