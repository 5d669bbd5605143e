/// A model that is read and written byte by byte, whatever its tokens are.
///
/// Its next-byte distribution is the one of the model's own text: a sum over all ways in which the text may be cut
/// into the model's tokens, of which those below a threshold are dropped (``BytePruning``). All such models share one
/// vocabulary, ``ByteTokenizer``, so models with different tokenizers can be fused, contrasted and nested like any
/// others:
///
/// ```swift
/// let together = ByteModel(small) + 0.5 * (ByteModel(expert) - ByteModel(antiExpert))
/// ```
///
/// The prompt is read as the model renders it, and only what is written after it is cut in every way. A token at
/// which the model ends its answers ends the text; other control tokens are never written, and what probability they
/// had is divided among the rest and noted in the trace. Nor are bytes written that make no UTF-8, or an end within a
/// character, however the model cuts them. Token limits count bytes (2048 if nothing is said), sampling rules apply to
/// bytes, and repetition cannot be penalised, since that would penalise letters.
///
/// T. Vieira et al., *From Language Models over Tokens to Language Models over Characters*, 2024; B. Phan et al.,
/// *Exact Byte-Level Probabilities from Tokenized Language Models*, 2024.
public struct ByteModel: LogitModel, Identifiable {
    /// The model that is read.
    public internal(set) var base: any LogitModel
    /// Which segmentations are followed.
    public let pruning: BytePruning
    private let lexicons: ByteLexicons
    private var collector = ByteStatisticsCollector()
    private let identity: Identity

    private final class Identity: Sendable {}

    /// Reads a model byte by byte.
    public init(_ base: any LogitModel, pruning: BytePruning = .standard) {
        self.init(base, pruning: pruning, lexicons: ByteLexicons())
    }

    init(_ base: any LogitModel, pruning: BytePruning, lexicons: ByteLexicons) {
        self.base = base
        self.pruning = pruning
        self.lexicons = lexicons
        identity = Identity()
    }

    /// Equal for copies of one value, which a fusion runs once.
    public var id: ObjectIdentifier { ObjectIdentifier(identity) }
    /// The model's name.
    public var name: String { base.name }
    /// The base's.
    public var profile: ModelProfile { base.profile }
    /// The 256 bytes and the end.
    public var tokenizer: any Tokenizer { ByteTokenizer() }
    /// The model's context in tokens. As each byte may be a token of its own, it holds at least as many bytes.
    public var contextLength: Int { base.contextLength }

    /// What reading the model has taken so far.
    var statistics: ByteStatistics { collector.statistics }

    /// The bytes of the prompt's tokens. Control tokens have none, so it is ``startDecoding(_:)`` that reads a prompt
    /// as the model knows it.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        let tokenizer = base.tokenizer
        return try base.promptTokens(for: request).flatMap { tokenizer.bytes(of: $0).map { TokenID($0) } }
    }

    /// A decoder of bytes. What it reads first is a text to be continued, cut into tokens by the model's tokenizer.
    public func makeDecoder() async throws(CollabError) -> any Decoder {
        ByteDecoder(try reader(), collector, promptTokens: 0, start: nil)
    }

    /// A decoder of bytes behind the request as the model renders it.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        let reader = try reader()
        let start = try await base.startDecoding(request)
        var statistics = ByteStatistics()
        let beam = try reader.beam(at: start.decoder, start.logits, &statistics)
        collector.add(statistics)
        return DecodingStart(
            decoder: ByteDecoder(reader, collector, promptTokens: start.decoder.position, start: beam),
            logits: try reader.logits(of: beam, after: []),
            promptTokens: start.promptTokens,
            cachedTokens: start.cachedTokens,
            stopSequences: start.stopSequences,
            keepsWhitespace: start.keepsWhitespace,
            constraints: start.constraints
        )
    }

    /// Writes an answer byte by byte, and notes in the trace what that took.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try request.options.validate(for: tokenizer)
        var model = self
        model.collector = ByteStatisticsCollector()
        let seed = generationSeed(for: request)
        try checkCancellation()
        let start = try await model.startDecoding(request)
        var generation = try Generation(model, request, seed: seed, start: start)
        let response = try await generation.run(into: sink)
        noteByteStatistics([(name, model.statistics)])
        return response
    }

    private func reader() throws(CollabError) -> ByteReader {
        try pruning.validate()
        return ByteReader(model: base, lexicon: try lexicons.lexicon(of: base), pruning: pruning)
    }
}
