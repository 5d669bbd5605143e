internal import CollabKernels

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A model that is read and written in the tokens of several vocabularies.
///
/// A token of its own vocabulary has the probability that it has there; one that it lacks has none. What is written in a
/// token that it lacks it reads as its own tokenizer cuts the text.
public struct UnionModel: LogitModel, Identifiable {
    /// The model that is read.
    public internal(set) var base: any LogitModel
    /// The vocabularies together.
    public let vocabulary: UnionVocabulary
    private let member: Int
    private let identity: Identity

    private final class Identity: Sendable {}

    /// Reads a model in the tokens of a union of which its vocabulary is one.
    ///
    /// Throws ``CollabError/Code/vocabularyMismatch`` if it is not.
    public init(_ base: any LogitModel, in vocabulary: UnionVocabulary) throws(CollabError) {
        let identity = VocabularyIdentity(base.tokenizer)
        guard
            let member = vocabulary.members.firstIndex(where: { VocabularyIdentity($0.tokenizer) == identity }
            )
        else {
            throw CollabError(
                .vocabularyMismatch,
                "The vocabulary of “\(base.name)” is none of those that were joined; make the union of it too."
            )
        }
        self.base = base
        self.vocabulary = vocabulary
        self.member = member
        self.identity = Identity()
    }

    /// Equal for copies of one value, which a fusion runs once.
    public var id: ObjectIdentifier { ObjectIdentifier(identity) }
    /// The model's name.
    public var name: String { base.name }
    /// The base's.
    public var profile: ModelProfile { base.profile }
    /// The vocabularies together.
    public var tokenizer: any Tokenizer { vocabulary }
    /// The model's context, in its own tokens.
    public var contextLength: Int { base.contextLength }

    /// The prompt's tokens that have a text.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        let union = vocabulary.members[member].union
        return try base.promptTokens(for: request).map { union[Int($0)] }.filter { $0 >= 0 }
    }

    /// A decoder that has read nothing yet.
    public func makeDecoder() async throws(CollabError) -> any Decoder {
        UnionDecoder(self, try await base.makeDecoder())
    }

    /// A decoder behind the request as the model renders it.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        var start = try await base.startDecoding(request)
        start.logits = joined(start.logits)
        start.decoder = UnionDecoder(self, start.decoder)
        return start
    }

    /// A row of the base in the tokens of the union.
    func joined(_ row: Logits) -> Logits {
        let names = vocabulary.members[member]
        var values = [Float](repeating: -.infinity, count: vocabulary.count)
        let stop = Int(vocabulary.stop)
        var ends: [Float] = []
        for token in 0..<min(names.union.count, row.count) {
            let id = Int(names.union[token])
            if id == stop {
                ends.append(row.values[token])
            } else if id >= 0 {
                values[id] = row.values[token]
            }
        }
        for token in names.duplicates where Int(token) < row.count {
            let id = Int(names.union[Int(token)])
            let own = row[names.own[id]]
            values[id] = Self.sum(
                [own] + names.duplicates.filter { names.union[Int($0)] == id }.map { row[$0] }
            )
        }
        values[stop] = Self.sum(ends)
        return Logits(values)
    }

    /// log Σ eˣ.
    private static func sum(_ values: [Float]) -> Float {
        values.withUnsafeBufferPointer { Float(Distribution.logSumExp($0)) }
    }

    /// The base's own tokens for one of the union.
    func own(_ token: TokenID) throws(CollabError) -> [TokenID] {
        let names = vocabulary.members[member]
        guard token >= 0, token < vocabulary.stop else {
            throw CollabError(.invalidRequest, "There is no token \(token) that \(name) could read.")
        }
        let own = names.own[Int(token)]
        return own >= 0 ? [own] : try names.tokens(of: vocabulary.bytes(of: token))
    }
}

/// A decoder whose tokens are those of a union.
private final class UnionDecoder: BoundedDecoder {
    private let model: UnionModel
    private let base: any Decoder
    /// Where each token of the union ends for the base; the first is where it begins.
    private let ends: Protected<[Int]>

    init(_ model: UnionModel, _ base: any Decoder, ends: [Int]? = nil) {
        self.model = model
        self.base = base
        // What has been read before counts as one token each.
        self.ends = Protected(ends ?? Array(0...base.position))
    }

    var position: Int { ends.withLock { $0.count - 1 } }
    var room: Int { (base as? any BoundedDecoder)?.room ?? model.base.contextLength - base.position }
    func didChoose(_ token: TokenID, at position: Int) {}

    func append(_ tokens: [TokenID], logits: LogitSelection) async throws(CollabError) -> [Logits] {
        let start = base.position
        var own: [TokenID] = []
        var new: [Int] = []
        for token in tokens {
            own += try model.own(token)
            new.append(start + own.count)
        }
        let rows = try await base.append(own, logits: logits)
        ends.withLock { $0 += new }
        guard logits == .all else { return rows.map(model.joined) }
        return new.map { model.joined(rows[$0 - start - 1]) }
    }

    func truncate(to count: Int) async throws(CollabError) {
        let place = ends.withLock { count >= 0 && count < $0.count ? $0[count] : nil }
        guard let place else {
            throw CollabError(
                .invalidRequest,
                "A decoder of \(model.name) at \(position) cannot be truncated to \(count) tokens."
            )
        }
        try await base.truncate(to: place)
        ends.withLock { $0.removeSubrange((count + 1)...) }
    }

    func fork() async throws(CollabError) -> any Decoder {
        UnionDecoder(model, try await base.fork(), ends: ends.withLock { $0 })
    }
}
