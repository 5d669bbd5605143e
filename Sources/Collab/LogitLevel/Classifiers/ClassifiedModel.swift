internal import CollabKernels

/// A model with a classifier as a factor: ℓ + λ log C(text and token).
///
/// It is the classifier term of language-model arithmetic (J. Dekoninck et al., *Controlled Text Generation via Language
/// Model Arithmetic*, 2024). The classifier reads the answer with each of the most probable tokens put behind it; for
/// all other tokens its opinion of the answer without a further token stands. As a ``LogitModel`` it can be a term of a
/// formula: `base.steered(by: polite) + 0.5 * (expert - antiExpert)`.
public struct ClassifiedModel<Base: LogitModel, Classifier: TextClassifier>: LogitModel {
    /// The model beneath.
    public let base: Base
    /// What judges the text.
    public let classifier: Classifier
    /// λ: what the classifier's log-probability is multiplied by.
    public let strength: Double
    /// How many of the most probable tokens the classifier reads.
    public let candidates: Int

    /// The base's name and the classifier's.
    public var name: String { "\(base.name) steered by \(classifier.name)" }
    /// The base's.
    public var profile: ModelProfile { base.profile }
    /// The base's vocabulary.
    public var tokenizer: any Tokenizer { base.tokenizer }
    /// The most tokens a decoder can hold.
    public var contextLength: Int { base.contextLength }

    /// The tokens that a request becomes for the base.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try base.promptTokens(for: request)
    }

    /// A decoder that has read nothing yet; all that it reads counts as the answer.
    public func makeDecoder() async throws(CollabError) -> any Decoder {
        try validate()
        return ClassifiedDecoder(self, try await base.makeDecoder(), request: nil)
    }

    /// A decoder that has read a request, after which the answer begins.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        try validate()
        return try await judging(try await base.startDecoding(request), request)
    }

    /// A decoder that has read the tokens of a prompt, after which the answer begins.
    public func startDecoding(reading tokens: [TokenID]) async throws(CollabError) -> DecodingStart {
        try validate()
        return try await judging(try await base.startDecoding(reading: tokens), nil)
    }

    private func judging(_ start: DecodingStart, _ request: Request?) async throws(CollabError)
        -> DecodingStart
    {
        var start = start
        start.logits = try await judged(start.logits, after: [], request)
        start.decoder = ClassifiedDecoder(self, start.decoder, request: request)
        return start
    }

    private func validate() throws(CollabError) {
        guard strength.isFinite, candidates >= 1 else {
            throw CollabError(
                .invalidRequest,
                "A classifier cannot steer with a strength of \(strength) and \(candidates) candidates."
            )
        }
    }

    /// A row with the classifier's opinion of what it leads to.
    func judged(_ row: Logits, after written: [TokenID], _ request: Request?) async throws(CollabError)
        -> Logits
    {
        let tokenizer = base.tokenizer
        let count = min(row.count, tokenizer.count)
        let top = row.values.withUnsafeBufferPointer {
            Distribution.topK(candidates, of: UnsafeBufferPointer(rebasing: $0[..<count]))
        }
        let bytes = written.flatMap { tokenizer.bytes(of: $0) }
        let texts = ([[]] + top.map { tokenizer.bytes(of: TokenID($0.index)) }).map { (token: [UInt8]) in
            String(decoding: bytes + token, as: UTF8.self)
        }
        let scores = try await classifier.logProbabilities(of: texts, after: request)
        guard scores.count == texts.count, scores.allSatisfy({ $0 <= 1e-9 }) else {
            throw CollabError(
                .notFinite,
                "“\(classifier.name)” gave \(scores.count) log-probabilities for \(texts.count) texts, or some that are none."
            )
        }
        var row = row
        for (entry, score) in zip(top, scores.dropFirst()) {
            // What stands for all other tokens is a constant, which need not be added to them.
            row.values[entry.index] += Float(strength * (max(score, -1e4) - max(scores[0], -1e4)))
        }
        return row
    }
}

extension LogitModel {
    /// The model with a classifier as a factor of its distribution.
    ///
    /// - Parameters:
    ///   - classifier: what judges the text.
    ///   - strength: what its log-probability is multiplied by; negative steers away from the attribute.
    ///   - candidates: how many of the most probable tokens it reads.
    public func steered<Classifier: TextClassifier>(
        by classifier: Classifier,
        strength: Double = 1,
        candidates: Int = 50
    ) -> ClassifiedModel<Self, Classifier> {
        ClassifiedModel(base: self, classifier: classifier, strength: strength, candidates: candidates)
    }
}

/// A decoder whose rows a classifier has judged.
private final class ClassifiedDecoder<Base: LogitModel, Classifier: TextClassifier>: BoundedDecoder,
    NotingDecoder
{
    private let model: ClassifiedModel<Base, Classifier>
    private let base: any Decoder
    private let request: Request?
    /// Where the answer begins.
    private let first: Int
    /// The tokens of the answer.
    private let written: Protected<[TokenID]>

    init(
        _ model: ClassifiedModel<Base, Classifier>,
        _ base: any Decoder,
        request: Request?,
        first: Int? = nil,
        written: [TokenID] = []
    ) {
        self.model = model
        self.base = base
        self.request = request
        self.first = first ?? base.position
        self.written = Protected(written)
    }

    var position: Int { base.position }
    var room: Int { (base as? any BoundedDecoder)?.room ?? model.base.contextLength - base.position }
    func didChoose(_ token: TokenID, at position: Int) {
        (base as? any BoundedDecoder)?.didChoose(token, at: position)
    }

    func note() { (base as? any NotingDecoder)?.note() }

    func inheritNotes(of other: any Decoder) {
        guard let other = other as? Self else { return }
        (base as? any NotingDecoder)?.inheritNotes(of: other.base)
    }

    func notes(choosing token: TokenID?) -> @Sendable () -> Void {
        guard let noting = base as? any NotingDecoder else { return {} }
        return noting.notes(choosing: token)
    }

    func append(_ tokens: [TokenID], logits: LogitSelection) async throws(CollabError) -> [Logits] {
        let start = base.position
        let before = written.withLock { $0 }
        var rows = try await base.append(tokens, logits: logits)
        do throws(CollabError) {
            for index in rows.indices {
                let read = before + tokens.prefix(tokens.count - rows.count + index + 1)
                rows[index] = try await model.judged(rows[index], after: read, request)
            }
        } catch {
            try await base.truncate(to: start)
            throw error
        }
        written.withLock { $0 += tokens }
        return rows
    }

    func truncate(to count: Int) async throws(CollabError) {
        guard count >= first else {
            throw CollabError(
                .invalidRequest,
                "\(model.name) was asked to go back to \(count) tokens, behind the \(first) of the prompt."
            )
        }
        try await base.truncate(to: count)
        written.withLock { $0.removeLast(max(0, $0.count - (count - first))) }
    }

    func fork() async throws(CollabError) -> any Decoder {
        ClassifiedDecoder(
            model,
            try await base.fork(),
            request: request,
            first: first,
            written: written.withLock { $0 }
        )
    }
}
