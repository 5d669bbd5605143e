import Collab

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What makes two calls the same: the model and the whole request, as JSON with sorted keys.
struct CacheKey: Hashable, Sendable {
    private struct Call: Encodable {
        var model: String
        var request: Request
    }

    /// The call as text.
    let text: String
    /// FNV-1a of the text, which the file is indexed by; the text decides.
    let hash: Int64

    init(model: String, request: Request) throws(CollabError) {
        self.init(text: try CacheKey.json(Call(model: model, request: request)))
    }

    /// The same as it may be written down by now: without keys of servers that were quoted.
    var withoutQuotedKeys: CacheKey { CacheKey(text: text) }

    private init(text: String) {
        self.text = QuotedKeys.redactor?.scrub(text) ?? text
        let hash = self.text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01b3
        }
        self.hash = Int64(bitPattern: hash)
    }

    /// A value as JSON with sorted keys; log-probabilities may be infinite.
    static func json(_ value: some Encodable) throws(CollabError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf",
            negativeInfinity: "-inf",
            nan: "nan"
        )
        do { return String(decoding: try encoder.encode(value), as: UTF8.self) } catch {
            throw CollabError(.inputOutput, "A call cannot be written as JSON.", cause: error)
        }
    }

    /// Reads an answer back.
    static func response(fromJSON text: String) throws(CollabError) -> Response {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf",
            negativeInfinity: "-inf",
            nan: "nan"
        )
        do { return try decoder.decode(Response.self, from: Data(text.utf8)) } catch {
            throw CollabError(
                .malformedFile,
                "A stored answer of the cache cannot be read; remove the cache's file, or open it with .rebuild.",
                cause: error
            )
        }
    }
}
