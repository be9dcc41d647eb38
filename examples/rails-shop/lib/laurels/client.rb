require "json"
require "net/http"

module Laurels
  # Laurels cannot be reached, or takes nothing now. Nothing is known about the message: send it again later.
  class Away < StandardError
    attr_reader :retry_after

    def initialize(reason, retry_after = 0)
      super(reason)
      @retry_after = retry_after
    end
  end

  # What Laurels said to one message. `problem` says why in words where it was not taken.
  Answer = Struct.new(:status, :problem) do
    def taken? # it is durable there: now, or since an earlier time
      [200, 202].include?(status)
    end

    def refused? # it would be refused again: a person has to look
      (400..499).cover?(status)
    end
  end

  # Talks to Laurels over HTTP, and tells what is wrong with a message from what is wrong with the way there.
  class Client
    OK = [200, 202].freeze
    # What every message would be answered now: wait, or fix the token.
    NOT_ABOUT_THE_MESSAGE = [401, 403, 408, 429, 502, 503, 504].freeze
    UNREACHABLE = [SystemCallError, SocketError, IOError, Timeout::Error, OpenSSL::SSL::SSLError,
                   Net::ProtocolError, Net::HTTPBadResponse].freeze

    # `token` is called for each request and gives the token.
    def initialize(url:, token:, timeout: 10)
      @url = URI(url)
      @token = token
      @timeout = timeout
    end

    # Sends one message. Raises Away.
    def send_one(path, content)
      status, body = post(path, content)
      Answer.new(status, OK.include?(status) ? nil : problem(status, body))
    end

    # Sends many orders at once: an answer for each, or nil where the request was refused as a whole. Raises Away.
    def send_orders(orders)
      status, results = post("/orders", orders)
      return unless OK.include?(status)
      raise Away, "#{@url} did not answer as Laurels does" unless results.is_a?(Array) && results.size == orders.size

      results.map do |one|
        Answer.new(one["http"], OK.include?(one["http"]) ? nil : problem(one["http"], one))
      end
    end

    private

    def post(path, content)
      answer = request(path, content)
      status = answer.code.to_i
      # A proxy on the way has error pages, and even pages with status 200, of its own. They say nothing about the
      # message, so only what is written as Laurels writes it counts.
      expected = OK.include?(status) ? "application/json" : "application/problem+json"
      raise Away, "#{@url} did not answer as Laurels does (status #{status})" unless answer.content_type == expected

      body = JSON.parse(answer.body)
      raise Away.new(problem(status, body), answer["Retry-After"].to_i) if NOT_ABOUT_THE_MESSAGE.include?(status)

      [status, body]
    end

    def request(path, content)
      headers = { "Authorization" => "Bearer #{@token.call}", "Content-Type" => "application/json" }
      options = { use_ssl: @url.scheme == "https", open_timeout: @timeout, read_timeout: @timeout }
      Net::HTTP.start(@url.host, @url.port, **options) do |http|
        http.post(@url.path.chomp("/") + path, JSON.generate(content), headers)
      end
    rescue *UNREACHABLE => error
      raise Away, "#{@url} does not answer: #{error.message}"
    end

    # A problem document, or a result in a list, as one line for a person.
    def problem(status, body)
      fields = body.fetch("errors", []).map { |one| "#{one["field"]}: #{one["message"]}" }.join("; ")
      "#{status} #{fields.empty? ? body["detail"] || body["status"] : fields}"
    end
  end
end
