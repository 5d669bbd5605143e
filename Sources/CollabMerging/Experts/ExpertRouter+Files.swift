public import Collab
import CollabBackends

extension ExpertRouter {
    /// A router by texts in files, one an expert; a random one where there are none.
    ///
    /// Without texts the base is not looked at: it may have no tokenizer, or be of an architecture that the engine does not
    /// run.
    ///
    /// - Parameters:
    ///   - files: a text in UTF-8 for each expert, in the experts' order, or none at all.
    ///   - base: the folder of the model that reads them.
    ///   - limit: at most so many tokens of each text are read.
    ///   - seed: where the numbers of a random router begin.
    ///
    /// Throws ``Collab/CollabError`` with `fileNotFound` or `inputOutput` for a file, what ``texts(_:readBy:)`` throws, and
    /// what the engine says of a base that it cannot run.
    public static func files(
        _ files: [String],
        readBy base: String,
        tokens limit: Int,
        seed: UInt64
    ) async throws(CollabError) -> ExpertRouter {
        guard !files.isEmpty else { return .random(seed: seed) }
        let tokenizer = try ModelFolder(path: base).makeTokenizer()
        let window = try TokenWindows.length(256, for: try SafetensorsCheckpoint(path: base))
        var texts: [[[TokenID]]] = []
        for path in files {
            let file = try MappedFile(path: path)
            let content = withExtendedLifetime(file) { String(decoding: file.bytes, as: UTF8.self) }
            let encoded = try tokenizer.encode(content, parsingSpecialTokens: false).prefix(limit)
            texts.append(
                stride(from: 0, to: encoded.count, by: window).map {
                    Array(encoded.dropFirst($0).prefix(window))
                }
            )
        }
        return try await .texts(texts, readBy: try await NativeModel(contentsOf: base))
    }
}
