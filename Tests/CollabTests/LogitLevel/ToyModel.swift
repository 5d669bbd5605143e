import Collab

/// A vocabulary given by its tokens' texts; the last token ends an answer and has no bytes.
struct ToyTokenizer: Tokenizer {
    var pieces: [[UInt8]]
    var endTokens: Set<TokenID>
    var salt: UInt64 = 0
    /// Whether a space goes before every text that continues nothing, as in Llama 2's vocabulary.
    var prefixesSpace = false

    init(_ pieces: [String]) {
        self.pieces = pieces.map { Array($0.utf8) } + [[]]
        endTokens = [TokenID(pieces.count)]
    }

    init(bytes: [[UInt8]]) {
        pieces = bytes + [[]]
        endTokens = [TokenID(bytes.count)]
    }

    var count: Int { pieces.count }
    var fingerprint: VocabularyFingerprint {
        var hash: UInt64 = salt
        for piece in pieces { for byte in piece + [255] { hash = hash &* 31 &+ UInt64(byte) } }
        return VocabularyFingerprint(count: count, hash: hash)
    }
    func encode(_ text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] {
        try encode(
            continuing: prefixesSpace && !text.isEmpty ? " " + text : text,
            parsingSpecialTokens: parsingSpecialTokens
        )
    }
    func encode(continuing text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] {
        var (rest, ids) = (Array(text.utf8)[...], [TokenID]())
        while !rest.isEmpty {
            let fitting = pieces.indices.filter { !pieces[$0].isEmpty && rest.starts(with: pieces[$0]) }
            guard let best = fitting.max(by: { pieces[$0].count < pieces[$1].count }) else {
                rest = rest.dropFirst()
                continue
            }
            ids.append(TokenID(best))
            rest = rest.dropFirst(pieces[best].count)
        }
        return ids
    }
    func bytes(of token: TokenID) -> [UInt8] { pieces.indices.contains(Int(token)) ? pieces[Int(token)] : [] }
    func isControl(_ token: TokenID) -> Bool { endTokens.contains(token) }
}

/// A model whose next-token logits are a function of the tokens so far.
struct ToyModel: LogitModel {
    var name: String
    var vocabulary: ToyTokenizer
    var contextLength = 64
    /// Whether instructions are part of the prompt, in front of the question.
    var readsInstructions = false
    var next: @Sendable ([TokenID]) -> [Float]
    /// What happens at each read: a delay, a failure.
    var onAppend: @Sendable ([TokenID]) async throws(CollabError) -> Void = { (_) async throws(CollabError) in
    }

    init(
        _ name: String = "toy",
        _ vocabulary: ToyTokenizer = .letters,
        next: @escaping @Sendable ([TokenID]) -> [Float]
    ) {
        self.name = name
        self.vocabulary = vocabulary
        self.next = next
    }

    /// A model that says the same at every place.
    init(_ name: String = "toy", _ vocabulary: ToyTokenizer = .letters, always values: [Float]) {
        self.init(name, vocabulary) { _ in values }
    }

    /// A model that writes a text, then ends, whatever the prompt of one token is.
    init(
        _ name: String = "toy",
        _ vocabulary: ToyTokenizer = .letters,
        writing text: String,
        margin: Float = 4
    ) {
        let script = (try? vocabulary.encode(text, parsingSpecialTokens: false)) ?? []
        self.init(name, vocabulary) { tokens in
            let step = tokens.count - 1
            let wanted = step < script.count ? script[step] : TokenID(vocabulary.count - 1)
            return (0..<vocabulary.count).map { $0 == Int(wanted) ? margin : 0 }
        }
    }

    var tokenizer: any Tokenizer { vocabulary }
    func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        let instructions = readsInstructions ? request.messages.filter { $0.role == .system } : []
        let text = instructions.map(\.text).joined() + request.question
        return try vocabulary.encode(text, parsingSpecialTokens: false)
    }
    func makeDecoder() async throws(CollabError) -> any Decoder { ToyDecoder(self, []) }
}

final class ToyDecoder: Decoder {
    private let model: ToyModel
    private let state: Protected<[TokenID]>

    init(_ model: ToyModel, _ tokens: [TokenID]) {
        self.model = model
        state = Protected(tokens)
    }

    var tokens: [TokenID] { state.withLock { $0 } }
    var position: Int { tokens.count }
    func append(_ tokens: [TokenID], logits: LogitSelection) async throws(CollabError) -> [Logits] {
        guard !tokens.isEmpty else { throw CollabError(.invalidRequest, "no tokens") }
        guard position + tokens.count <= model.contextLength else {
            throw CollabError(.contextOverflow, "\(model.name) holds \(model.contextLength) tokens.")
        }
        try await model.onAppend(tokens)
        var rows: [Logits] = []
        for (index, token) in tokens.enumerated() {
            let all = state.withLock { state in
                state.append(token)
                return state
            }
            if logits == .all || (logits == .last && index == tokens.count - 1) {
                rows.append(Logits(model.next(all)))
            }
        }
        return rows
    }
    func truncate(to count: Int) async throws(CollabError) {
        state.withLock { $0.removeSubrange(min(count, $0.count)...) }
    }
    func fork() async throws(CollabError) -> any Decoder { ToyDecoder(model, tokens) }
}

extension ToyTokenizer {
    /// a, b, c, d, and the end.
    static let letters = ToyTokenizer(["a", "b", "c", "d"])
}

/// Natural logarithms of probabilities.
func logs(_ probabilities: Float...) -> [Float] { probabilities.map { logf($0) } }

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif
