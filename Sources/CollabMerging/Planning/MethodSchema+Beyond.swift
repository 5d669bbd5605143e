import Collab

// Methods that mergekit does not have.
extension MethodSchema {
    /// Methods that look at the changes of each element.
    static let changes: [MethodSchema] = [
        MethodSchema(name: "magmax", base: .required, parameters: ["lambda": number(or: 0.5)]) {
            .magMax(base: $0.base, lambda: $0.constant("lambda"))
        },
        MethodSchema(name: "emr", base: .required, parameters: ["lambda": number(or: 1)]) {
            .emr(base: $0.base, lambda: $0.constant("lambda"))
        },
        MethodSchema(
            name: "consensus",
            base: .required,
            parameters: [
                "threshold": number(in: 0...1e30, own: true, or: 0.4), "lambda": number(or: 1),
                "minimum_members": number(in: 1...1e6, or: 2),
            ]
        ) {
            .consensus(
                base: $0.base,
                thresholds: $0.weights("threshold"),
                minimumMembers: Int($0.numbers["minimum_members"] ?? 2),
                lambda: $0.constant("lambda")
            )
        },
        MethodSchema(name: "expo", base: .required, parameters: ["alpha": number()]) {
            .expo(base: $0.base, alpha: $0.constant("alpha"))
        },
    ]

    /// Methods that look at whole matrices; mergekit has none of them.
    static let matrices: [MethodSchema] = [
        whole("iso_c", \IsotropicMerge.largestMatrix) { .isoC(base: $0.base, lambda: $0.constant("lambda")) },
        whole(
            "iso_cts",
            \IsotropicMerge.largestMatrix,
            ["common_space_fraction": number(in: 0...1, or: 0.8)]
        ) {
            .isoCTS(
                base: $0.base,
                lambda: $0.constant("lambda"),
                commonShare: $0.numbers["common_space_fraction"] ?? 0.8
            )
        },
        whole("tsv_m", \SingularVectorMerge.largestMatrix) {
            .tsvM(base: $0.base, lambda: $0.constant("lambda"))
        },
        whole(
            "wudi",
            \WUDIMerge.largestMatrix,
            ["steps": number(in: 0...1_000_000, or: 300), "rate": number(in: 1e-30...1, or: 1e-5)]
        ) {
            .wudi(
                base: $0.base,
                lambda: $0.constant("lambda"),
                steps: Int($0.numbers["steps"] ?? 300),
                rate: $0.numbers["rate"] ?? 1e-5
            )
        },
    ]

    /// What all methods that look at whole matrices read.
    private static func whole<Method: MergeMethod>(
        _ name: String,
        _ limit: any WritableKeyPath<Method, Int> & Sendable,
        _ more: [String: Parameter] = [:],
        _ make: @escaping @Sendable (ResolvedParameters) -> Method
    ) -> MethodSchema {
        let usual = Double(1 << 26)
        let common = ["lambda": number(or: 1), largestMatrix: count(in: 1...1e15, or: usual)]
        return MethodSchema(name: name, base: .required, parameters: common.merging(more) { $1 }) {
            var method = make($0)
            // A gradient over the layers may lead to fractions.
            method[keyPath: limit] = Int(($0.numbers[largestMatrix] ?? usual).rounded())
            return method
        }
    }

    /// How many elements a matrix may have to be merged as one.
    static let largestMatrix = "largest_matrix"

    /// Methods that weigh by what `merge measure` has written down.
    static let measured: [MethodSchema] = [
        MethodSchema(
            name: "fisher",
            base: .member,
            parameters: [
                "statistics": statistics, "weight": number(own: true, or: 1), "normalize": flag(true),
                "epsilon": number(in: 0...1, or: 1e-6),
            ]
        ) {
            .fisher(
                $0.statistics,
                weights: $0.weights("weight"),
                floor: $0.numbers["epsilon"] ?? 1e-6,
                normalise: $0.flag("normalize")
            )
        },
        MethodSchema(
            name: "regmean",
            base: .member,
            parameters: ["statistics": statistics, "alpha": number(in: 0...1, or: 0.95)]
        ) { .regMean($0.statistics, alpha: $0.constant("alpha")) },
    ]

    private static let statistics = Parameter(kind: .path, isOwn: true)
}
