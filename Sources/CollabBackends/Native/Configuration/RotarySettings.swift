import Collab

/// What a `config.json` says about rotary positions.
///
/// Older files have `rope_theta` and `rope_scaling`, newer ones `rope_parameters`, which may hold an object for each
/// type of layer.
struct RotarySettings {
    private typealias Rotation = TransformerConfiguration.Rotation

    private let family: ModelFamily
    private let settings: JSONSettings
    /// The object about the layers that see everything.
    private let full: JSONSettings
    /// The object about the layers with a window, where it is another one.
    private let windowed: JSONSettings?

    init(_ settings: JSONSettings, family: ModelFamily) throws(CollabError) {
        self.family = family
        self.settings = settings
        let key = settings.value("rope_parameters") != nil ? "rope_parameters" : "rope_scaling"
        let outer = try settings.nested(key)
        if outer.value("full_attention") != nil {
            full = try outer.nested("full_attention")
            windowed = try outer.nested("sliding_attention")
        } else {
            full = outer
            windowed = nil
        }
    }

    /// How many elements of a head rotate.
    func rotaryDimension(of headDimension: Int) throws(CollabError) -> Int {
        let key = "partial_rotary_factor"
        let factor =
            full.value(key) != nil ? try full.positive(key) : try settings.positive(key, or: 1)
        guard factor <= 1 else { throw settings.malformed(key, "\(factor), but must be at most 1") }
        return Int(Double(headDimension) * factor)
    }

    /// The rotation of all layers, or of those without a window.
    func rotation(
        _ sizes: TransformerSizes,
        _ contextLength: Int
    ) throws(CollabError) -> TransformerConfiguration.Rotation {
        let base: Double =
            switch family {
            case .gemma3: 1_000_000
            case .smollm3: 2_000_000
            case .llama, .mistral, .qwen2, .qwen3, .gemma2, .phi3: 10_000
            }
        return try rotation(
            full,
            defaultBase: try settings.positive("rope_theta", or: base),
            sizes,
            contextLength
        )
    }

    /// The rotation of layers with a window, where it is another one.
    func windowRotation(_ sizes: TransformerSizes) throws(CollabError) -> TransformerConfiguration.Rotation? {
        if let windowed {
            return try rotation(windowed, defaultBase: 10_000, sizes, sizes.context)
        }
        guard family == .gemma3 else { return nil }
        return Rotation(base: try settings.positive("rope_local_base_freq", or: 10_000))
    }

    private func rotation(
        _ scaling: JSONSettings,
        defaultBase: Double,
        _ sizes: TransformerSizes,
        _ contextLength: Int
    ) throws(CollabError) -> Rotation {
        var rotation = Rotation(base: try scaling.positive("rope_theta", or: defaultBase))
        let key = scaling.value("rope_type") != nil ? "rope_type" : "type"
        let kind = try scaling.text(key) ?? "default"
        switch kind {
        case "default", "none": break
        case "linear": rotation.positionScale = 1 / (try scaling.positive("factor"))
        case "llama3":
            let low = try scaling.positive("low_freq_factor")
            let high = try scaling.positive("high_freq_factor")
            guard high > low else { throw scaling.malformed("high_freq_factor", "not above low_freq_factor") }
            rotation.stretchLikeLlama3(
                factor: try scaling.positive("factor"),
                low: low,
                high: high,
                originalContext: try originalContext(scaling, sizes),
                dimension: sizes.rotaryDimension
            )
        case "longrope", "su": try stretchByLongRope(&rotation, scaling, sizes, contextLength)
        // The first Phi 3 files called LongRoPE so.
        case "yarn" where family == .phi3: try stretchByLongRope(&rotation, scaling, sizes, contextLength)
        case "yarn": try stretchByYarn(&rotation, scaling, sizes)
        default:
            throw scaling.unsupported(key, kind, known: ["default", "linear", "llama3", "yarn", "longrope"])
        }
        return rotation
    }

    private func stretchByYarn(
        _ rotation: inout Rotation,
        _ scaling: JSONSettings,
        _ sizes: TransformerSizes
    ) throws(CollabError) {
        let original = try originalContext(scaling, sizes)
        let factor = try scaling.positive("factor", or: Double(sizes.context) / Double(original))
        rotation.stretchByYarn(
            factor: factor,
            fast: try scaling.positive("beta_fast", or: 32),
            slow: try scaling.positive("beta_slow", or: 1),
            originalContext: original,
            dimension: sizes.rotaryDimension,
            truncates: try scaling.flag("truncate", or: true)
        )
        if scaling.value("attention_factor") != nil {
            rotation.magnitude = try scaling.positive("attention_factor")
        } else if let weight = try scaling.optionalPositive("mscale"),
            let allWeight = try scaling.optionalPositive("mscale_all_dim")
        {
            rotation.magnitude =
                Rotation.yarnMagnitude(factor: factor, weight: weight)
                / Rotation.yarnMagnitude(factor: factor, weight: allWeight)
        } else {
            rotation.magnitude = Rotation.yarnMagnitude(factor: factor)
        }
    }

    /// LongRoPE has two lists of divisors. The choice is made once a model, by the longest text that it will run:
    /// keys that are kept were rotated in one way, whatever comes after them.
    private func stretchByLongRope(
        _ rotation: inout Rotation,
        _ scaling: JSONSettings,
        _ sizes: TransformerSizes,
        _ contextLength: Int
    ) throws(CollabError) {
        for key in ["short_mscale", "long_mscale"] where scaling.value(key) != nil {
            throw scaling.unsupported(key, "a factor of its own", known: ["none"])
        }
        let original = try originalContext(scaling, sizes)
        let key = contextLength > original ? "long_factor" : "short_factor"
        guard let list = try scaling.list(key, count: sizes.rotaryDimension / 2) else {
            throw scaling.missing(key)
        }
        rotation.divisors = list.map { $0.doubleValue ?? 0 }
        guard rotation.divisors.allSatisfy({ $0 > 0 && $0.isFinite }) else {
            throw scaling.malformed(key, "no list of finite numbers above 0")
        }
        let factor = try scaling.positive("factor", or: Double(sizes.context) / Double(original))
        rotation.magnitude = try scaling.positive(
            "attention_factor",
            or: Rotation.longRopeMagnitude(factor: factor, originalContext: original)
        )
    }

    /// The context that the model was first trained for, beside or within the object.
    private func originalContext(
        _ scaling: JSONSettings,
        _ sizes: TransformerSizes
    ) throws(CollabError) -> Int {
        let key = "original_max_position_embeddings"
        if settings.value(key) != nil { return try settings.size(key) }
        return try scaling.size(key, or: sizes.context)
    }
}
