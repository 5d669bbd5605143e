import Collab
import CollabBackends

/// A tensor of the models in the fixtures, in double precision.
struct ExactInputs {
    let name: String
    let shape: [Int]
    /// The values by the model's folder and name, such as `fp32/ftA`.
    private let models: ExactModels
    private let type: String

    /// - Parameter type: whose models `base`, `a`, `b` and `c` are: `fp32` or `bf16`.
    init(_ name: String, _ shape: [Int], _ models: ExactModels, _ type: String) {
        (self.name, self.shape, self.models, self.type) = (name, shape, models, type)
    }

    var base: [Double] { of("\(type)/base") }
    var a: [Double] { of("\(type)/ftA") }
    var b: [Double] { of("\(type)/ftB") }
    var c: [Double] { of("\(type)/ftC") }
    var all: [[Double]] { [a, b, c] }
    /// A model that is no fine-tune of the base; in bfloat16, where there is none, the base.
    var other: [Double] { of(type == "fp32" ? "fp32/other" : "bf16/base") }

    /// The values of the tensor, or one of another name, in a model.
    func of(_ model: String, _ tensor: String? = nil) -> [Double] { models.values(model, tensor ?? name) }

    var layer: Int? { name.split(separator: ".").compactMap { Int($0) }.first }

    /// mergekit's gradient over the three layers, whose first number is that of everything else.
    func gradient(_ numbers: [Double]) -> Double {
        let place = Double(layer ?? 0) / 2 * Double(numbers.count - 1)
        let first = min(Int(place), numbers.count - 2)
        let share = place - Double(first)
        return (1 - share) * numbers[first] + share * numbers[first + 1]
    }

    /// The first of some values whose filter the name has.
    func filtered(_ values: [(filter: String, value: Double)], otherwise value: Double) -> Double {
        values.first { name.contains($0.filter) }?.value ?? value
    }
}

/// The models in the fixtures, read once.
struct ExactModels: Sendable {
    private let known: [String: [String: [Double]]]

    static let all = Result { () throws -> ExactModels in
        let fine = ["base", "ftA", "ftB", "ftC"]
        let floats = fine + ["other", "ftB-tied", "base-sharded"]
        return try ExactModels(floats.map { "fp32/" + $0 } + fine.map { "bf16/" + $0 })
    }

    private init(_ names: [String]) throws {
        var known: [String: [String: [Double]]] = [:]
        for name in names {
            let model = try SafetensorsCheckpoint(path: "\(MergeFixtures.folder)/inputs/\(name)")
            for tensor in model.tensors {
                known[name, default: [:]][tensor.name] = try model.values(of: tensor.name).map(Double.init)
            }
        }
        self.known = known
    }

    /// A model whose embeddings are its output matrix as well has no matrix of its own.
    func values(_ model: String, _ tensor: String) -> [Double] {
        known[model]?[tensor] ?? known[model]?["model.embed_tokens.weight"] ?? []
    }
}

/// A configuration in the fixtures, and what it says of a tensor, by formulas that are nobody's implementation.
struct ExactCase: Sendable, CustomStringConvertible {
    var name: String
    var exact: @Sendable (ExactInputs) -> [Double]
    /// The configuration where none in the fixtures has the name: mergekit does not know the method.
    private var ownText: String?
    var description: String { name }

    init(
        _ name: String,
        configuration: String? = nil,
        _ exact: @escaping @Sendable (ExactInputs) -> [Double]
    ) {
        (self.name, self.exact, ownText) = (name, exact, configuration)
    }

    func configuration() throws -> String { try ownText ?? MergeFixtures.configuration(name) }

    /// Which models' type the configuration names.
    var type: String { isOfHalves(name) ? "bf16" : "fp32" }
    /// Whether the same can be asked for with the models in bfloat16: there are no others than the base and three of its
    /// fine-tunes, and both types are no case of one.
    var hasTwin: Bool {
        type == "fp32" && !name.hasPrefix("passthrough")
            && !["mixed", "sharded", "tied", "fp16"].contains { name.contains($0) }
    }

    private func isOfHalves(_ name: String) -> Bool { name.contains("bf16") }

    static let all = weighted + turned + trimmed + chosen + stacked + beyond

    private static let weighted = [
        ExactCase("linear-basic") { PlainMerges.linear($0.all, [1, 0.3, 0.5]) },
        ExactCase("linear-bf16") { PlainMerges.linear($0.all, [0.5, 0.3, 0.2]) },
        ExactCase("linear-bf16-in-fp32-out-bf16") { PlainMerges.linear($0.all, [0.5, 0.3, 0.2]) },
        ExactCase("linear-fp32-out-fp16") { PlainMerges.linear($0.all, [0.5, 0.3, 0.2]) },
        ExactCase("linear-mixed-dtypes") { PlainMerges.linear([$0.base, $0.of("bf16/ftB")], [1, 1]) },
        ExactCase("linear-nonorm-with-base") {
            PlainMerges.linear([$0.base, $0.a, $0.b], [0.2, 0.4, 0.7], normalised: false)
        },
        ExactCase("linear-sharded-in-and-out") {
            PlainMerges.linear([$0.of("fp32/base-sharded"), $0.a], [0.6, 0.4])
        },
        ExactCase("linear-one-tied-one-untied") {
            PlainMerges.linear([$0.a, $0.of("fp32/ftB-tied")], [1, 1])
        },
        ExactCase("linear-filters-gradient") { x in
            let first = x.filtered(
                [("self_attn", x.gradient([0, 0.5, 1])), ("mlp", x.gradient([1, 0.5, 0.1]))],
                otherwise: 0.4
            )
            let second = x.filtered(
                [("self_attn", x.gradient([1, 0.5, 0])), ("mlp", 0.25)],
                otherwise: 0.6
            )
            return PlainMerges.linear([x.a, x.c], [first, second])
        },
        ExactCase("task-arithmetic") { PlainMerges.taskArithmetic($0.base, $0.all, [0.6, 0.4, -0.2]) },
        ExactCase("task-arithmetic-normalize-lambda") {
            PlainMerges.taskArithmetic($0.base, $0.all, [0.6, 0.4, 0.5], lambda: 0.7, normalised: true)
        },
        ExactCase("task-arithmetic-bf16") { PlainMerges.taskArithmetic($0.base, $0.all, [0.6, 0.4, 0.3]) },
        ExactCase("task-arithmetic-bf16-in-fp32") {
            PlainMerges.taskArithmetic($0.base, $0.all, [0.6, 0.4, 0.3])
        },
        ExactCase("modules-syntax") { PlainMerges.taskArithmetic($0.base, [$0.a, $0.b], [0.3, 0.7]) },
    ]

    private static let turned = [
        ExactCase("slerp-t03") { PlainMerges.slerp($0.a, $0.b, 0.3) },
        ExactCase("slerp-base-second") { PlainMerges.slerp($0.b, $0.a, 0.3) },
        ExactCase("slerp-far-apart") { PlainMerges.slerp($0.a, $0.other, 0.6) },
        ExactCase("slerp-bf16") { PlainMerges.slerp($0.a, $0.b, 0.5) },
        ExactCase("slerp-gradient-filters") { x in
            let t = x.filtered(
                [
                    ("self_attn", x.gradient([0, 0.5, 0.3, 0.7, 1])),
                    ("mlp", x.gradient([1, 0.5, 0.7, 0.3, 0])),
                ],
                otherwise: 0.5
            )
            return PlainMerges.slerp(x.a, x.other, t)
        },
        ExactCase("nuslerp-flat") { PlainMerges.slerp($0.a, $0.other, 0.25, limit: nil) },
        ExactCase("nuslerp-colwise") { x in
            PlainMerges.byVector([x.a, x.other], x.shape) { PlainMerges.slerp($0[0], $0[1], 0.6, limit: nil) }
        },
        ExactCase("nuslerp-rowwise") { x in
            PlainMerges.byVector([x.a, x.other], x.shape, columns: true) {
                PlainMerges.slerp($0[0], $0[1], 0.6, limit: nil)
            }
        },
        ExactCase("nuslerp-task-vector") { x in
            let changes = [x.b, x.c].map { PlainMerges.difference($0, x.base) }
            return PlainMerges.sum(
                [x.base, PlainMerges.slerp(changes[0], changes[1], 2.0 / 3, limit: nil)],
                [1, 1]
            )
        },
        ExactCase("multislerp") { PlainMerges.multislerp([$0.a, $0.b, $0.other], [0.5, 0.3, 0.4]) },
        ExactCase("multislerp-base") { PlainMerges.multislerp($0.all, [0.5, 0.3, 0.4], base: $0.base) },
        ExactCase("multislerp-nonorm") {
            PlainMerges.multislerp([$0.a, $0.other], [0.5, 0.7], normalised: false)
        },
        ExactCase("karcher") { PlainMerges.karcher([$0.a, $0.b, $0.other]) },
        ExactCase("karcher-bf16") { PlainMerges.karcher($0.all) },
        ExactCase("karcher-iter2-tol") {
            PlainMerges.karcher([$0.a, $0.other, $0.c], iterations: 2, tolerance: 1e-9)
        },
        ExactCase("model-stock") { PlainMerges.modelStock($0.base, $0.all) },
        ExactCase("model-stock-bf16") { PlainMerges.modelStock($0.base, $0.all) },
        ExactCase("model-stock-filter-wise") { x in
            PlainMerges.byVector([x.base] + x.all, x.shape) { rows in
                PlainMerges.modelStock(rows[0], Array(rows.dropFirst()))
            }
        },
        ExactCase("nearswap") { PlainMerges.nearSwap($0.base, $0.b, 0.001) },
    ]
}
