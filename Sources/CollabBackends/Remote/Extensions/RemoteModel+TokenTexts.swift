public import Collab

extension RemoteModel {
    /// The same answer with the bytes of those tokens that the server named by their ids alone.
    ///
    /// That is what vLLM does with ``ServerOption/tokensAsIDs``. Bytes that stand elsewhere in the answer are taken from
    /// there; for every other id the server is asked once, and what it says is remembered. A token that is cut within a
    /// character has no text by itself and stays without bytes.
    ///
    /// Throws what ``text(of:)`` throws.
    public func spelling(_ response: Response) async throws(CollabError) -> Response {
        guard let tokens = response.tokens else { return response }
        var known: [TokenID: [UInt8]] = [:]
        var unknown: Set<TokenID> = []
        for (id, bytes) in tokens.flatMap(\.namings) {
            guard let id else { continue }
            if bytes.isEmpty { unknown.insert(id) } else if !bytes.isCut { known[id] = bytes }
        }
        let ids = unknown.subtracting(known.keys).sorted()
        for start in stride(from: 0, to: ids.count, by: Self.requestsAtOnce) {
            let part = Array(ids[start..<min(start + Self.requestsAtOnce, ids.count)])
            let texts = try await concurrently(part) { (id) async throws(CollabError) -> String in
                try await self.text(ofToken: id)
            }
            for (id, text) in zip(part, texts) where !Array(text.utf8).isCut { known[id] = Array(text.utf8) }
        }
        var response = response
        response.tokens = tokens.map { $0.spelled(by: known) }
        return response
    }

    private static let requestsAtOnce = 64

    /// The text of a token behind another one: at a beginning some tokenizers drop its white space.
    func text(ofToken id: TokenID) async throws(CollabError) -> String {
        if let known = tokenTexts.withLock({ $0[id] }) { return known }
        let twice = Array(try await text(of: [id, id]).unicodeScalars)
        let text = String(String.UnicodeScalarView(twice.suffix((twice.count + 1) / 2)))
        tokenTexts.withLock { $0[id] = text }
        return text
    }
}

extension GeneratedToken {
    /// The token and its alternatives by what they are called.
    fileprivate var namings: [(id: TokenID?, bytes: [UInt8])] {
        [(id, bytes)] + alternatives.map { ($0.id, $0.bytes) }
    }

    /// The same with the bytes that are known of those without.
    fileprivate func spelled(by known: [TokenID: [UInt8]]) -> GeneratedToken {
        var token = self
        if token.bytes.isEmpty, let bytes = id.flatMap({ known[$0] }) { token.bytes = bytes }
        for (index, other) in alternatives.enumerated() where other.bytes.isEmpty {
            token.alternatives[index].bytes = other.id.flatMap { known[$0] } ?? []
        }
        return token
    }
}

extension [UInt8] {
    /// Whether the bytes hold the mark of a character that is not whole.
    fileprivate var isCut: Bool { String(decoding: self, as: UTF8.self).unicodeScalars.contains("\u{FFFD}") }
}
