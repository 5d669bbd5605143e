/// The tokens of several vocabularies together: one for each text that is a token of any of them, and one that ends an
/// answer.
///
/// Control tokens other than the ends have no text and are left out.
public struct UnionVocabulary: Tokenizer {
    /// The tokens' bytes; the last, which ends an answer, has none.
    private let pieces: [[UInt8]]
    private let first: any Tokenizer
    /// What each vocabulary's tokens are here.
    let members: [Member]
    /// A hash over every token's bytes.
    public let fingerprint: VocabularyFingerprint

    /// One of the vocabularies.
    struct Member: Sendable {
        let tokenizer: any Tokenizer
        /// For each of its tokens, the one of the union, or −1 if it has no text and is no end.
        let union: [TokenID]
        /// For each token of the union, its own of the same text, or −1.
        let own: [TokenID]
        /// Its tokens whose text another one has as well, which stands for both.
        let duplicates: [TokenID]
        /// Its tokens of a single byte, or −1 where it has none.
        let singles: [TokenID]
    }

    /// Joins the vocabularies of models.
    ///
    /// Throws ``CollabError/Code/emptyTeam`` for none.
    public init(of models: [any LogitModel]) throws(CollabError) {
        guard let tokenizer = models.first?.tokenizer else {
            throw CollabError(.emptyTeam, "A union of vocabularies needs at least one model.")
        }
        first = tokenizer
        var ids: [[UInt8]: TokenID] = [:]
        var pieces: [[UInt8]] = []
        let texts = models.map { model in
            let tokenizer = model.tokenizer
            return (0..<TokenID(tokenizer.count)).map { token -> [UInt8] in
                tokenizer.isControl(token) || tokenizer.endTokens.contains(token)
                    ? [] : tokenizer.bytes(of: token)
            }
        }
        for text in texts.joined() where !text.isEmpty && ids[text] == nil {
            ids[text] = TokenID(pieces.count)
            pieces.append(text)
        }
        let stop = TokenID(pieces.count)
        members = zip(models, texts).map { model, texts in
            Self.member(model.tokenizer, texts, ids, stop: stop)
        }
        self.pieces = pieces + [[]]
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for piece in pieces {
            for byte in piece { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            hash = (hash ^ 0x100) &* 0x100_0000_01b3
        }
        fingerprint = VocabularyFingerprint(count: pieces.count + 1, hash: hash)
    }

    private static func member(
        _ tokenizer: any Tokenizer,
        _ texts: [[UInt8]],
        _ ids: [[UInt8]: TokenID],
        stop: TokenID
    ) -> Member {
        var own = [TokenID](repeating: -1, count: Int(stop) + 1)
        var duplicates: [TokenID] = []
        let union = texts.enumerated().map { token, text -> TokenID in
            let token = TokenID(token)
            if text.isEmpty { return tokenizer.endTokens.contains(token) ? stop : -1 }
            let id = ids[text] ?? -1
            if own[Int(id)] >= 0 { duplicates.append(token) } else { own[Int(id)] = token }
            return id
        }
        var singles = [TokenID](repeating: -1, count: 256)
        for (token, text) in texts.enumerated() where text.count == 1 {
            singles[Int(text[0])] = TokenID(token)
        }
        return Member(
            tokenizer: tokenizer,
            union: union,
            own: own,
            duplicates: duplicates,
            singles: singles
        )
    }

    /// How many tokens there are, the end included.
    public var count: Int { pieces.count }
    /// The token that ends an answer.
    public var stop: TokenID { TokenID(pieces.count - 1) }
    /// The token that ends an answer.
    public var endTokens: Set<TokenID> { [stop] }
    /// The share of a member's tokens that all others have as well.
    public func shared(_ member: Int) -> Double {
        let tokens = members[member].own.indices.filter { members[member].own[$0] >= 0 }
        let common = tokens.count { id in members.allSatisfy { $0.own[id] >= 0 } }
        return tokens.isEmpty ? 0 : Double(common) / Double(tokens.count)
    }

    /// The tokens of a text as the first vocabulary cuts it.
    public func encode(_ text: String, parsingSpecialTokens: Bool) throws(CollabError) -> [TokenID] {
        named(try first.encode(text, parsingSpecialTokens: parsingSpecialTokens))
    }
    /// The tokens of a text that goes on with another, as the first vocabulary cuts it.
    public func encode(
        continuing text: String,
        parsingSpecialTokens: Bool
    ) throws(CollabError) -> [TokenID] {
        named(try first.encode(continuing: text, parsingSpecialTokens: parsingSpecialTokens))
    }
    /// What tokens of the first vocabulary are here.
    private func named(_ tokens: [TokenID]) -> [TokenID] {
        let union = members[0].union
        return tokens.map { union[Int($0)] }.filter { $0 >= 0 }
    }
    /// The bytes of a token; the end has none.
    public func bytes(of token: TokenID) -> [UInt8] {
        pieces.indices.contains(Int(token)) ? pieces[Int(token)] : []
    }
    /// Whether a token is the end.
    public func isControl(_ token: TokenID) -> Bool { token == stop }
}

extension UnionVocabulary.Member {
    /// A text in the member's own tokens: as its tokenizer cuts it, or, where bytes are no UTF-8, byte by byte.
    func tokens(of bytes: [UInt8]) throws(CollabError) -> [TokenID] {
        if let text = String(validating: bytes, as: UTF8.self) {
            return try tokenizer.encode(continuing: text)
        }
        return try bytes.map { (byte) throws(CollabError) -> TokenID in
            guard singles[Int(byte)] >= 0 else {
                throw CollabError(
                    .unsupported,
                    "A vocabulary has no token for the byte \(byte), which another one has written."
                )
            }
            return singles[Int(byte)]
        }
    }
}
