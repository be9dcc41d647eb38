# The page of a signed-in customer's points.
#
# Routes: resource :points, only: :show do get :token end
class PointsController < ApplicationController
  include LaurelsMember

  before_action :authenticate_customer!

  def show; end

  # A fresh token for the element on that page. The page itself holds none, so that one which a cache or a printer keeps
  # lets nobody in.
  def token
    response.headers["Cache-Control"] = "no-store"
    render json: { token: laurels_member_token }
  end
end
