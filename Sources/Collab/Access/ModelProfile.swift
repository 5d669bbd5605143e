/// What is known about a model beside its answers: where it runs, what it costs, what it is good for.
///
/// Modifiers hand it on, and a collaboration's is the sum of its members'. What nobody has declared is unknown, and
/// unknown is never taken for local, nor for free.
public struct ModelProfile: Hashable, Sendable, Codable {
    /// Where a request goes.
    public enum Locality: String, Hashable, Sendable, Codable {
        /// It stays in this process, or on machines that the program vouches for.
        case local
        /// It leaves them.
        case remote
        /// Nobody has said.
        case unknown
    }

    /// Where a request goes.
    public var locality: Locality
    /// What its tokens cost; `nil` if that is not known, or if several models of different prices answer.
    public var price: Price?
    /// What it is good for, or allowed for; whoever chooses among models may ask for tags.
    public var tags: Set<String>

    /// Makes a profile.
    public init(locality: Locality = .unknown, price: Price? = nil, tags: Set<String> = []) {
        self.locality = locality
        self.price = price
        self.tags = tags
    }

    /// Whether a request is sure to stay.
    public var isLocal: Bool { locality == .local }

    /// What is known of several models that work together: local only if all are, of a price that all have, with the
    /// tags that all share.
    public init(together profiles: [ModelProfile]) {
        guard let first = profiles.first else {
            self.init()
            return
        }
        let localities = Set(profiles.map(\.locality))
        self.init(
            locality: localities.contains(.remote) ? .remote : localities == [.local] ? .local : .unknown,
            price: profiles.allSatisfy { $0.price == first.price } ? first.price : nil,
            tags: profiles.dropFirst().reduce(first.tags) { $0.intersection($1.tags) }
        )
    }

    /// What is known of several models that work together.
    init(of models: [any TextModel]) {
        self.init(together: models.map(\.profile))
    }
}

extension TextModel {
    /// Nothing is known unless the model says so.
    public var profile: ModelProfile { ModelProfile() }
}
