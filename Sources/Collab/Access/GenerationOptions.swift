/// How an answer is to be written. Everything has a default; a backend that cannot honour a set option says so.
public struct GenerationOptions: Hashable, Sendable {
    /// The most tokens the answer may have; `nil` leaves it to the model (native models: 512).
    public var maximumTokens: Int?
    /// How the next token is chosen.
    public var sampling: Sampling
    /// Texts at which the answer ends; the text itself is not part of the answer.
    public var stopSequences: [String]
    /// Seed of the choice of tokens; `nil` derives one from the run's seed.
    public var seed: UInt64?
    /// How many alternatives to report at each token, where the model can (0: only the chosen token).
    public var alternatives: Int
    /// Whether the answer lists its tokens with their log-probabilities (``Response/tokens``), where the model can.
    ///
    /// Without them a native model that samples greedily, or from a few most probable tokens, need not compute what the
    /// others are: a large vocabulary's model writes faster, and the same text. What decides by confidence then has
    /// nothing to go by. Where alternatives are asked for, tokens are listed all the same.
    public var reportsLogprobs: Bool

    /// Makes options.
    public init(
        maximumTokens: Int? = nil,
        sampling: Sampling = .greedy,
        stopSequences: [String] = [],
        seed: UInt64? = nil,
        alternatives: Int = 0,
        reportsLogprobs: Bool = true
    ) {
        self.maximumTokens = maximumTokens
        self.sampling = sampling
        self.stopSequences = stopSequences
        self.seed = seed
        self.alternatives = alternatives
        self.reportsLogprobs = reportsLogprobs
    }

    /// Whether tokens have to be listed.
    var listsTokens: Bool { reportsLogprobs || alternatives > 0 }

    /// Throws ``CollabError/Code/invalidRequest`` if an option is out of range.
    public func validate() throws(CollabError) {
        if let maximumTokens, maximumTokens < 1 {
            throw CollabError(.invalidRequest, "maximumTokens is \(maximumTokens); it must be at least 1.")
        }
        if alternatives < 0 {
            throw CollabError(.invalidRequest, "alternatives is \(alternatives); it must not be negative.")
        }
        if stopSequences.contains("") {
            throw CollabError(.invalidRequest, "An empty stop sequence would end every answer at once.")
        }
        try sampling.validate()
    }
}

extension GenerationOptions: Codable {
    private enum CodingKeys: String, CodingKey {
        case maximumTokens, sampling, stopSequences, seed, alternatives, reportsLogprobs
    }

    /// Reads options; those that were written before log-probabilities could be left out have them.
    public init(from decoder: any Swift.Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            maximumTokens: try values.decodeIfPresent(Int.self, forKey: .maximumTokens),
            sampling: try values.decode(Sampling.self, forKey: .sampling),
            stopSequences: try values.decode([String].self, forKey: .stopSequences),
            seed: try values.decodeIfPresent(UInt64.self, forKey: .seed),
            alternatives: try values.decode(Int.self, forKey: .alternatives),
            reportsLogprobs: try values.decodeIfPresent(Bool.self, forKey: .reportsLogprobs) ?? true
        )
    }

    /// Writes options; that log-probabilities are reported, which is usual, is not written.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encodeIfPresent(maximumTokens, forKey: .maximumTokens)
        try values.encode(sampling, forKey: .sampling)
        try values.encode(stopSequences, forKey: .stopSequences)
        try values.encodeIfPresent(seed, forKey: .seed)
        try values.encode(alternatives, forKey: .alternatives)
        if !reportsLogprobs { try values.encode(false, forKey: .reportsLogprobs) }
    }
}

/// How the next token is chosen from a distribution.
///
/// The transforms are applied in this order: repetition penalty, temperature, top-k, top-p, min-p; then one token
/// is drawn from what is left, renormalised. Log-probabilities that are reported are those of the model *before*
/// any of them.
public struct Sampling: Hashable, Sendable, Codable {
    /// Divides the logits; 0 takes the most probable token (ties: the lowest id).
    public var temperature: Double
    /// Keeps the k most probable tokens; `nil` keeps all.
    public var topK: Int?
    /// Keeps the shortest list of most probable tokens whose mass reaches this; 1 keeps all.
    public var topP: Double
    /// Keeps tokens at least this fraction as probable as the most probable one; 0 keeps all.
    public var minP: Double
    /// Divides positive and multiplies negative logits of tokens seen in the window (Keskar et al. 2019); 1: off.
    public var repetitionPenalty: Double
    /// How many of the last tokens the penalty looks at.
    public var repetitionWindow: Int

    /// Makes a rule.
    public init(
        temperature: Double = 1,
        topK: Int? = nil,
        topP: Double = 1,
        minP: Double = 0,
        repetitionPenalty: Double = 1,
        repetitionWindow: Int = 64
    ) {
        self.temperature = temperature
        self.topK = topK
        self.topP = topP
        self.minP = minP
        self.repetitionPenalty = repetitionPenalty
        self.repetitionWindow = repetitionWindow
    }

    /// Always the most probable token; ties go to the lowest id.
    public static let greedy = Sampling(temperature: 0)

    /// Draws from the distribution at a temperature.
    public static func temperature(_ value: Double, topP: Double = 1) -> Sampling {
        Sampling(temperature: value, topP: topP)
    }

    /// Throws ``CollabError/Code/invalidRequest`` if a value is out of range.
    public func validate() throws(CollabError) {
        func check(_ holds: Bool, _ text: String) throws(CollabError) {
            if !holds { throw CollabError(.invalidRequest, text) }
        }
        try check(
            temperature >= 0 && temperature <= 1e30,
            "temperature is \(temperature); it must be 0 or more, and at most 1e30."
        )
        try check((topK ?? 1) >= 1, "topK is \(topK ?? 0); it must be at least 1.")
        try check(topP > 0 && topP <= 1, "topP is \(topP); it must be above 0 and at most 1.")
        try check(minP >= 0 && minP <= 1, "minP is \(minP); it must lie between 0 and 1.")
        try check(
            repetitionPenalty > 0 && repetitionPenalty.isFinite,
            "repetitionPenalty is \(repetitionPenalty); it must be positive."
        )
        try check(repetitionWindow >= 0, "repetitionWindow is \(repetitionWindow); it must not be negative.")
    }
}
