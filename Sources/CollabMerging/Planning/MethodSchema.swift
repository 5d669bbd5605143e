import Collab

/// What a method of a configuration reads, and how it becomes a ``Collab/MergeMethod``.
struct MethodSchema: Sendable {
    /// What values a parameter takes.
    enum Kind: Sendable {
        case flag
        /// The path of a file.
        case path
        case number(ClosedRange<Double>)
        /// A number without a fraction.
        case count(ClosedRange<Double>)
    }

    /// One parameter.
    struct Parameter: Sendable {
        var kind: Kind
        /// Whether every model has its own.
        var isOwn = false
        /// What it is where nothing is said; `nil`: something must be said.
        var fallback: Setting?
        /// Whether it changes the result.
        var isUsed = true
    }

    /// What the base model is to the method.
    enum BaseRole: Sendable {
        /// Task vectors are measured from it.
        case required
        /// Task vectors are measured from it if there is one.
        case optional
        /// It is the first of two that are interpolated.
        case firstOfTwo
        /// A member like the others.
        case member
        /// One model alone, without a base.
        case alone
    }

    /// As the configuration spells it.
    var name: String
    var base: BaseRole
    /// Whether the base is what task vectors are measured from, and no member.
    var measuresFromBase: Bool { [.required, .optional].contains(base) }
    var parameters: [String: Parameter]
    /// Makes the method from values that are known for one tensor.
    var make: @Sendable (ResolvedParameters) -> any MergeMethod
}

/// The values of all parameters for one tensor.
struct ResolvedParameters {
    /// One number a member.
    var own: [String: [Double]] = [:]
    var numbers: [String: Double] = [:]
    var flags: [String: Bool] = [:]
    /// The members' statistics, where the method reads some.
    var statistics: [ModelStatistics] = []
    /// Where task vectors are measured from.
    var base: (any Checkpoint)?
    /// Where random numbers begin.
    var seed: UInt64 = 0

    func weights(_ key: String) -> MergeParameter { .members((own[key] ?? []).map { .constant($0) }) }
    func constant(_ key: String) -> MergeParameter { .constant(numbers[key] ?? .nan) }
    func flag(_ key: String) -> Bool { flags[key] ?? false }
    var rescaling: TaskRescaling { flag("rescale") ? .l1 : .none }
}

extension MethodSchema {
    static let everything = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude

    static func number(
        in range: ClosedRange<Double> = everything,
        own: Bool = false,
        or fallback: Double? = nil
    ) -> Parameter {
        Parameter(kind: .number(range), isOwn: own, fallback: fallback.map { .number($0) })
    }

    static func count(in range: ClosedRange<Double>, or fallback: Double) -> Parameter {
        Parameter(kind: .count(range), fallback: .number(fallback))
    }

    static func flag(_ fallback: Bool, isUsed: Bool = true) -> Parameter {
        Parameter(kind: .flag, fallback: .flag(fallback), isUsed: isUsed)
    }

    static let weight = number(own: true)
    private static let density = number(in: 0...1, own: true, or: 1)

    /// What all methods over sparse task vectors read.
    private static func taskVectors(
        normalize: Bool,
        rescale: Bool,
        _ more: [String: Parameter] = [:]
    ) -> [String: Parameter] {
        [
            "weight": weight, "density": density, "normalize": flag(normalize), "rescale": flag(rescale),
            "lambda": number(or: 1), "int8_mask": flag(false, isUsed: false),
        ].merging(more) { $1 }
    }

    /// The methods by the names that configurations have for them.
    static let all: [String: MethodSchema] = Dictionary(
        uniqueKeysWithValues: (plain + sparse + directional + changes + matrices + measured).map {
            ($0.name, $0)
        }
    )

    private static let plain: [MethodSchema] = [
        MethodSchema(
            name: "linear",
            base: .member,
            parameters: ["weight": weight, "normalize": flag(true)]
        ) { .linear(weights: $0.weights("weight"), normalise: $0.flag("normalize")) },
        MethodSchema(name: "slerp", base: .firstOfTwo, parameters: ["t": number()]) {
            .slerp(t: $0.constant("t"))
        },
        MethodSchema(
            name: "task_arithmetic",
            base: .required,
            parameters: [
                "weight": weight, "normalize": flag(false), "lambda": number(or: 1),
                "density": Parameter(kind: .number(0...1), isOwn: true, fallback: .number(1), isUsed: false),
                "rescale": flag(false, isUsed: false), "int8_mask": flag(false, isUsed: false),
            ]
        ) {
            .taskArithmetic(
                base: $0.base,
                weights: $0.weights("weight"),
                lambda: $0.constant("lambda"),
                normalise: $0.flag("normalize")
            )
        },
        MethodSchema(name: "passthrough", base: .alone, parameters: ["scale": number(own: true, or: 1)]) {
            .passthrough(scale: .constant($0.own["scale"]?.first ?? 1))
        },
        MethodSchema(name: "nearswap", base: .required, parameters: ["t": number(in: 0...1e30)]) {
            .nearSwap(base: $0.base, t: $0.constant("t"))
        },
        MethodSchema(name: "arcee_fusion", base: .required, parameters: [:]) { .arceeFusion(base: $0.base) },
        MethodSchema(
            name: "model_stock",
            base: .required,
            parameters: ["filter_wise": flag(false)]
        ) { .modelStock(base: $0.base, scope: $0.flag("filter_wise") ? .rows : .tensor) },
    ]

    private static let sparse: [MethodSchema] = [
        sparse("ties", normalize: true, rescale: false) { ties($0) },
        sparse("dare_linear", normalize: false, rescale: true) { dare($0, vote: nil) },
        sparse("dare_ties", normalize: false, rescale: true) { dare($0, vote: .weighted) },
        sparse(
            "breadcrumbs",
            normalize: false,
            rescale: false,
            ["gamma": number(in: 0...1, own: true, or: 0.01)]
        ) {
            breadcrumbs($0, vote: nil)
        },
        sparse(
            "breadcrumbs_ties",
            normalize: false,
            rescale: false,
            ["gamma": number(in: 0...1, own: true, or: 0.01)]
        ) {
            breadcrumbs($0, vote: .weighted)
        },
        sparse("della", normalize: true, rescale: true, ["epsilon": number(in: -1...1, own: true, or: 0.15)])
        {
            della($0, vote: .weighted)
        },
        sparse(
            "della_linear",
            normalize: false,
            rescale: true,
            ["epsilon": number(in: -1...1, own: true, or: 0.15)]
        ) {
            della($0, vote: nil)
        },
        MethodSchema(
            name: "sce",
            base: .required,
            parameters: ["select_topk": number(in: 0...1, or: 1), "int8_mask": flag(false, isUsed: false)]
        ) { .sce(base: $0.base, share: $0.constant("select_topk")) },
        MethodSchema(name: "ram", base: .required, parameters: ["epsilon": number(in: 0...1e30, or: 1e-5)]) {
            .ram(base: $0.base, epsilon: $0.numbers["epsilon"] ?? 1e-5)
        },
        MethodSchema(
            name: "ramplus_tl",
            base: .required,
            parameters: [
                "epsilon": number(in: 0...1e30, or: 1e-5), "r": number(in: 0...1e30, or: 0.1),
                "alpha": number(in: 0...1e30, or: 0.2),
            ]
        ) {
            .ramPlus(
                base: $0.base,
                epsilon: $0.numbers["epsilon"] ?? 1e-5,
                gain: $0.numbers["r"] ?? 0.1,
                limit: $0.numbers["alpha"] ?? 0.2
            )
        },
    ]

    private static let directional: [MethodSchema] = [
        MethodSchema(
            name: "nuslerp",
            base: .optional,
            parameters: ["weight": weight, "nuslerp_flatten": flag(true), "nuslerp_row_wise": flag(false)]
        ) {
            let scope: VectorScope =
                $0.flag("nuslerp_flatten") ? .tensor : $0.flag("nuslerp_row_wise") ? .columns : .rows
            return .nuslerp(base: $0.base, weights: $0.weights("weight"), scope: scope)
        },
        MethodSchema(
            name: "multislerp",
            base: .optional,
            parameters: [
                "weight": weight, "normalize_weights": flag(true), "eps": number(in: 0...1, or: 1e-8),
            ]
        ) {
            .multislerp(
                base: $0.base,
                weights: $0.weights("weight"),
                normalise: $0.flag("normalize_weights"),
                epsilon: $0.numbers["eps"] ?? 1e-8
            )
        },
        MethodSchema(
            name: "karcher",
            base: .member,
            parameters: ["max_iter": number(in: 0...1_000_000, or: 10), "tol": number(in: 0...1, or: 1e-5)]
        ) {
            .karcher(
                maximumIterations: Int($0.numbers["max_iter"] ?? 10),
                tolerance: $0.numbers["tol"] ?? 1e-5
            )
        },
    ]

    private static func sparse(
        _ name: String,
        normalize: Bool,
        rescale: Bool,
        _ more: [String: Parameter] = [:],
        _ make: @escaping @Sendable (ResolvedParameters) -> any MergeMethod
    ) -> MethodSchema {
        MethodSchema(
            name: name,
            base: .required,
            parameters: taskVectors(normalize: normalize, rescale: rescale, more),
            make: make
        )
    }

    private static func ties(_ values: ResolvedParameters) -> any MergeMethod {
        .ties(
            base: values.base,
            density: values.weights("density"),
            weights: values.weights("weight"),
            lambda: values.constant("lambda"),
            combination: values.flag("normalize") ? .weightedMean : .sum,
            rescaling: values.rescaling
        )
    }

    private static func dare(_ values: ResolvedParameters, vote: SignVote?) -> any MergeMethod {
        .dare(
            base: values.base,
            density: values.weights("density"),
            seed: values.seed,
            weights: values.weights("weight"),
            lambda: values.constant("lambda"),
            normalise: values.flag("normalize"),
            vote: vote,
            rescaling: values.rescaling
        )
    }

    private static func breadcrumbs(_ values: ResolvedParameters, vote: SignVote?) -> any MergeMethod {
        .breadcrumbs(
            base: values.base,
            density: values.weights("density"),
            gamma: values.weights("gamma"),
            weights: values.weights("weight"),
            lambda: values.constant("lambda"),
            normalise: values.flag("normalize"),
            vote: vote,
            rescaling: values.rescaling
        )
    }

    private static func della(_ values: ResolvedParameters, vote: SignVote?) -> any MergeMethod {
        .della(
            base: values.base,
            density: values.weights("density"),
            epsilon: values.weights("epsilon"),
            seed: values.seed,
            weights: values.weights("weight"),
            lambda: values.constant("lambda"),
            normalise: values.flag("normalize"),
            vote: vote,
            rescaling: values.rescaling
        )
    }
}
