public import Collab

/// A native model with low-rank adapters in force, which are added while it runs.
///
/// It shares the weights, the threads and the vocabulary of the model beneath, and decoders of both that are asked at
/// the same time are computed as one batch: a base, an expert and an anti-expert read the weights once a token. Keys
/// and values are shared only among texts under the same adapters. Make one with ``NativeModel/adapted(by:weights:name:)``.
public final class AdaptedNativeModel: LogitModel, TokenScoring, EmbeddingModel {
    /// The model beneath.
    public let base: NativeModel
    /// The same model with the adapters.
    let model: NativeModel

    init(_ model: NativeModel, base: NativeModel) {
        self.base = base
        self.model = model
    }

    /// What to call the model in traces, errors and prompts.
    public var name: String { model.name }
    /// It runs in this process, as the base does.
    public var profile: ModelProfile { model.profile }
    /// The base's vocabulary.
    public var tokenizer: any Tokenizer { model.tokenizer }
    /// The most tokens a decoder can hold.
    public var contextLength: Int { model.contextLength }
    /// The length of an embedding: the width of the residual stream.
    public var dimension: Int { model.dimension }

    /// The tokens that a request becomes: those that the base makes of it.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` if the request cannot be rendered for this model.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try model.promptTokens(for: request)
    }

    /// A decoder that has read nothing yet.
    public func makeDecoder() async throws(CollabError) -> any Decoder { model.makeNativeDecoder() }

    /// A decoder that has read a request; see ``NativeModel/startDecoding(_:)``.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        try await model.startDecoding(request)
    }

    /// A decoder that has read some tokens; see ``NativeModel/startDecoding(reading:)``.
    public func startDecoding(reading tokens: [TokenID]) async throws(CollabError) -> DecodingStart {
        try await model.startDecoding(reading: tokens)
    }

    /// The natural log-probability of each continuation; see ``NativeModel/score(_:after:)``.
    public func score(
        _ continuations: [String],
        after request: Request
    ) async throws(CollabError) -> [ScoredContinuation] {
        try await model.score(continuations, after: request)
    }

    /// The natural log-probability of every token but the first; see ``NativeModel/logprobs(of:)``.
    public func logprobs(of tokens: [TokenID]) async throws(CollabError) -> [Double] {
        try await model.logprobs(of: tokens)
    }

    /// One vector a text, in order, each of unit length; see ``NativeModel/embed(_:)``.
    public func embed(_ texts: [String]) async throws(CollabError) -> [[Float]] {
        try await model.embed(texts)
    }
}

extension NativeModel {
    /// The model with low-rank adapters that are added while it runs: y + Σ w · s · B (A x), in float32, over weights
    /// that stay as they are. Of one with magnitudes (DoRA) w times what it changes is added: f (y + s · B (A x)) − y, with
    /// the f by which its rows get their lengths.
    ///
    /// Adapters may come from a PEFT folder or a GGUF file, whichever the model came from. They take memory beside the
    /// model's ``NativeOptions/memoryLimit``: that of their factors, as float32. An adapter of weight 0 leaves the
    /// base's results bit for bit.
    ///
    /// - Parameters:
    ///   - adapters: the adapters.
    ///   - weights: a factor of each one's change, in the adapters' order; 1 if left out.
    ///   - name: what to call the adapted model; the base's and the adapters' names if `nil`.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` if there are not as many weights as adapters or one is not
    /// finite, `tensorMismatch` for a module that the model lacks or has in another shape, `notFinite`, and
    /// `unsupported` for what must be merged in with ``LowRankAdapter/applied(to:weight:)``: whole matrices, embeddings and
    /// the output matrix.
    public func adapted(
        by adapters: [LowRankAdapter],
        weights: [Float]? = nil,
        name: String? = nil
    ) async throws(CollabError) -> AdaptedNativeModel {
        try await adapted(by: adapters, weights: weights, choosing: nil, name: name)
    }

    /// The model with low-rank adapters of which every token chooses some anew for every matrix: y + Σ p · w · s · B (A x)
    /// over the adapters whose gates score highest for the vector x that the matrix reads, p being the softmax over
    /// their scores.
    ///
    /// Otherwise it is as ``adapted(by:weights:name:)``. An adapter that does not change a matrix is no candidate there,
    /// one of weight 0 is none anywhere, and where there are no more candidates than are chosen all count.
    ///
    /// - Parameters:
    ///   - adapters: the adapters.
    ///   - gates: what tokens choose by.
    ///   - count: how many are chosen; 2 in PHATGOOSE.
    ///   - weights: a factor of each one's change, in the adapters' order; 1 if left out.
    ///   - name: what to call the adapted model; the base's and the adapters' names if `nil`.
    ///
    /// Throws what ``adapted(by:weights:name:)`` throws, `invalidRequest` for gates of another number of adapters or a
    /// count below 1, and `tensorMismatch` or `notFinite` for a gate that is missing, of another length or no vector of
    /// numbers.
    public func adapted(
        by adapters: [LowRankAdapter],
        gates: AdapterGates,
        choosing count: Int = 2,
        weights: [Float]? = nil,
        name: String? = nil
    ) async throws(CollabError) -> AdaptedNativeModel {
        guard gates.adapterCount == adapters.count, count >= 1 else {
            throw CollabError(
                .invalidRequest,
                "Tokens of \(self.name) choose \(count) of \(adapters.count) adapters by the gates of "
                    + "\(gates.adapterCount); choose at least one, and give every adapter its gates."
            )
        }
        return try await adapted(by: adapters, weights: weights, choosing: (gates, count), name: name)
    }

    private func adapted(
        by adapters: [LowRankAdapter],
        weights: [Float]?,
        choosing choice: (gates: AdapterGates, count: Int)?,
        name: String?
    ) async throws(CollabError) -> AdaptedNativeModel {
        let factors = weights ?? Array(repeating: 1, count: adapters.count)
        guard factors.count == adapters.count else {
            throw CollabError(
                .invalidRequest,
                "\(factors.count) weights were given for \(adapters.count) adapters of \(self.name)."
            )
        }
        guard factors.allSatisfy(\.isFinite) else {
            throw CollabError(.invalidRequest, "The weights of adapters must be finite, not \(factors).")
        }
        let set = try await Background.run { [configuration, checkpoint] () throws(CollabError) in
            try AdapterSet.placing(
                zip(adapters, factors).map { (adapter: $0, weight: $1) },
                in: configuration,
                of: checkpoint,
                gates: choice?.gates,
                choosing: choice?.count ?? 1
            )
        }
        let names = zip(adapters, factors).map { $1 == 1 ? $0.name : "\($1)·\($0.name)" }
        return AdaptedNativeModel(
            NativeModel(self, under: set, name: name ?? ([self.name] + names).joined(separator: "+")),
            base: self
        )
    }
}
