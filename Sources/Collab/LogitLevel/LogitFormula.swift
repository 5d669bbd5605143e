/// A weighted sum of models' log-probabilities, written as arithmetic.
///
/// ```swift
/// let steered = base + 1.5 * (expert - antiExpert)
/// ```
///
/// is the model with log r = log softmax(ℓ_base + 1.5 ℓ_expert − 1.5 ℓ_antiExpert) at every token (J. Dekoninck et al.,
/// *Controlled Text Generation via Language Model Arithmetic*, 2024, without that paper's division by the sum of the
/// weights: add ``normalised()`` for it). Models that occur more than once are run once. Where a weight is negative,
/// implausible tokens are masked out as ``Fusion/Mask/automatic`` says; ``masked(by:)`` chooses another mask, whose
/// members are the models in the order in which they first occur.
public struct LogitFormula: LogitModel {
    /// A model and its weight.
    public struct Term: Sendable {
        /// The weight of its log-probabilities.
        public var weight: Double
        /// The model.
        public var model: any LogitModel
    }

    /// The terms, each model once, in the order in which they first occur.
    public let terms: [Term]
    private let mask: Fusion.Mask
    private let isNormalised: Bool
    var fused: FusedModel

    init(terms: [Term], mask: Fusion.Mask = .automatic, isNormalised: Bool = false) {
        let terms = Self.merged(terms)
        self.terms = terms
        self.mask = mask
        self.isNormalised = isNormalised
        let weights = terms.map(\.weight)
        fused = FusedModel(
            formulaText(terms.map { ($0.weight, $0.model.name) }),
            seedName: formulaText(terms.map { ($0.weight, Collab.seedName(of: $0.model)) }),
            Fusion(
                "formula",
                .logLinear,
                weights: isNormalised ? .normalised(weights) : .asWritten(weights),
                mask: mask
            ),
            members: terms.map(\.model)
        )
    }

    /// Adds up the weights of equal models and drops those that cancel.
    private static func merged(_ terms: [Term]) -> [Term] {
        var merged: [Term] = []
        var identities: [ModelIdentity?] = []
        for term in terms {
            let identity = ModelIdentity(term.model)
            if let identity, let place = identities.firstIndex(of: identity) {
                let sum = merged[place].weight + term.weight
                // What cancels on paper may leave a rounding error.
                merged[place].weight = abs(sum) < 1e-12 * abs(term.weight) ? 0 : sum
            } else {
                merged.append(term)
                identities.append(identity)
            }
        }
        return merged.filter { $0.weight != 0 }
    }

    /// The same sum with another mask.
    public func masked(by mask: Fusion.Mask) -> LogitFormula {
        LogitFormula(terms: terms, mask: mask, isNormalised: isNormalised)
    }

    /// The same sum with the weights divided by their sum, so that it is neither sharper nor flatter than its terms.
    public func normalised() -> LogitFormula { LogitFormula(terms: terms, mask: mask, isNormalised: true) }

    /// Checks that the models can be fused; see ``FusedModel/validate()``.
    public func validate() throws(CollabError) { try fused.validate() }
}

extension LogitFormula {
    /// The formula.
    public var name: String { fused.name }
    /// What the models of the terms have in common.
    public var profile: ModelProfile { fused.profile }
    /// The vocabulary that the models share.
    public var tokenizer: any Tokenizer { fused.tokenizer }
    /// The shortest of the models' contexts.
    public var contextLength: Int { fused.contextLength }

    /// The request's tokens as the first model renders it.
    public func promptTokens(for request: Request) throws(CollabError) -> [TokenID] {
        try fused.promptTokens(for: request)
    }
    /// A decoder that hands the same tokens to every model.
    public func makeDecoder() async throws(CollabError) -> any Decoder { try await fused.makeDecoder() }
    /// A decoder whose models have each read the request.
    public func startDecoding(_ request: Request) async throws(CollabError) -> DecodingStart {
        try await fused.startDecoding(request)
    }
    /// A decoder whose models have each read the same tokens.
    public func startDecoding(reading tokens: [TokenID]) async throws(CollabError) -> DecodingStart {
        try await fused.startDecoding(reading: tokens)
    }
    /// Writes an answer from the formula's distribution.
    public func generate(_ request: Request, into sink: ResponseSink) async throws(CollabError) -> Response {
        try await fused.generate(request, into: sink)
    }
}

extension LogitFormula {
    /// A model as terms of a formula. A formula is its terms unless it has a mask or a normalisation of its own,
    /// which make it a distribution like any other model.
    fileprivate static func terms(of model: any LogitModel, times weight: Double = 1) -> [Term] {
        if let formula = model as? LogitFormula, formula.mask == .automatic, !formula.isNormalised {
            return formula.terms.map { Term(weight: weight * $0.weight, model: $0.model) }
        }
        return [Term(weight: weight, model: model)]
    }
}

/// The sum of two models' log-probabilities.
public func + (left: any LogitModel, right: any LogitModel) -> LogitFormula {
    LogitFormula(terms: LogitFormula.terms(of: left) + LogitFormula.terms(of: right))
}

/// The difference of two models' log-probabilities.
public func - (left: any LogitModel, right: any LogitModel) -> LogitFormula {
    LogitFormula(terms: LogitFormula.terms(of: left) + LogitFormula.terms(of: right, times: -1))
}

/// A model's log-probabilities times a weight.
public func * (weight: Double, model: any LogitModel) -> LogitFormula {
    LogitFormula(terms: LogitFormula.terms(of: model, times: weight))
}

/// A model's log-probabilities times a weight.
public func * (model: any LogitModel, weight: Double) -> LogitFormula { weight * model }

/// A model's log-probabilities divided by a number: a temperature.
public func / (model: any LogitModel, divisor: Double) -> LogitFormula { (1 / divisor) * model }

/// A model's log-probabilities negated.
public prefix func - (model: any LogitModel) -> LogitFormula { -1 * model }
