public import Collab

/// How a remote model is called. Everything has a default.
public struct RemoteSettings: Sendable {
    /// Where the key goes.
    public enum KeyField: Hashable, Sendable {
        /// `Authorization: Bearer …`, as nearly everywhere.
        case bearer
        /// A header field of its own, such as `api-key`.
        case field(String)
    }

    /// What to call the model in traces and prompts; `nil`: the name that the server knows it by.
    public var name: String?
    /// Where the key goes; `nil`: where the server's ``Dialect`` has it.
    public var keyField: KeyField?
    /// Header fields to send with every request. Their values never appear in an error either.
    public var fields: [String: String]
    /// Fields to add to the body of every request, for what a server has beyond the protocol.
    public var extras: JSONObject
    /// What the server is to do beyond the protocol; checked when the model is made.
    public var options: [ServerOption]
    /// How long the phases of a call may take.
    public var timeouts: Timeouts
    /// Whether to ask for every token's log-probability even if a request wants no alternatives; a cascade that
    /// decides by confidence needs them.
    public var reportsLogprobs: Bool
    /// What the tokens cost; `nil`: nobody knows, and a run with a budget of money refuses the call. ``Collab/Price/free``
    /// for a server of your own.
    public var price: Price?
    /// Where the price is looked up if ``price`` is `nil`.
    public var prices: PriceTable?
    /// Whether a key may be sent over `http` to another machine, where whoever is in between can read it.
    public var sendsKeyOverPlainHTTP: Bool
    /// The most bytes of one event of a stream; alternatives beyond twenty a token need more than the default.
    public var maximumEventBytes: Int
    /// The most bytes of a response.
    public var maximumResponseBytes: Int
    /// What makes the connections; `nil`: ``Transport/shared``.
    public var transport: Transport?

    /// Makes settings.
    public init(
        name: String? = nil,
        keyField: KeyField? = nil,
        fields: [String: String] = [:],
        extras: JSONObject = JSONObject(),
        options: [ServerOption] = [],
        timeouts: Timeouts = Timeouts(),
        reportsLogprobs: Bool = false,
        price: Price? = nil,
        prices: PriceTable? = nil,
        sendsKeyOverPlainHTTP: Bool = false,
        maximumEventBytes: Int = 1 << 20,
        maximumResponseBytes: Int = 256 << 20,
        transport: Transport? = nil
    ) {
        self.name = name
        self.keyField = keyField
        self.fields = fields
        self.extras = extras
        self.options = options
        self.timeouts = timeouts
        self.reportsLogprobs = reportsLogprobs
        self.price = price
        self.prices = prices
        self.sendsKeyOverPlainHTTP = sendsKeyOverPlainHTTP
        self.maximumEventBytes = maximumEventBytes
        self.maximumResponseBytes = maximumResponseBytes
        self.transport = transport
    }
}

extension RemoteSettings: CustomReflectable {
    /// Header fields can hold keys, so only their names are shown.
    public var customMirror: Mirror {
        Mirror(
            self,
            children: [
                "name": name as Any, "fields": fields.keys.sorted(), "timeouts": timeouts,
                "reportsLogprobs": reportsLogprobs, "price": price as Any,
            ]
        )
    }
}
