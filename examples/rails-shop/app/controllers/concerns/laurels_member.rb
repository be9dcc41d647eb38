# Who the signed-in customer is to Laurels. Needs `current_customer`, as your sign-in gives it.
module LaurelsMember
  extend ActiveSupport::Concern

  included { helper_method :laurels_member_id }

  private

  def laurels_member_id
    current_customer.id.to_s
  end

  # Whose it is says the session, never the request.
  def laurels_member_token
    Rails.configuration.x.laurels.tokens.member(laurels_member_id)
  end
end
