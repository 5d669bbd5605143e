import Collab
import CollabBackends
import Foundation

/// The merges in `Fixtures/goldens/merge`.
enum MergeGoldens {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
        .appendingPathComponent("Fixtures/goldens/merge")

    static func checkpoint(_ path: String) throws -> SafetensorsCheckpoint {
        try SafetensorsCheckpoint(path: folder.appendingPathComponent(path).path)
    }

    /// An input model, such as `fp32/ftA`.
    static func input(_ name: String) throws -> SafetensorsCheckpoint { try checkpoint("inputs/" + name) }

    static func output(_ name: String) throws -> SafetensorsCheckpoint {
        try checkpoint("outputs/\(name)/model.safetensors")
    }

    /// Flat indices that are not compared, by tensor.
    static func undecided(_ name: String) throws -> [String: Set<Int>] {
        let file = folder.appendingPathComponent("outputs/\(name)/dontcare.json")
        guard FileManager.default.fileExists(atPath: file.path) else { return [:] }
        return try JSONDecoder().decode([String: [Int]].self, from: Data(contentsOf: file)).mapValues {
            Set($0)
        }
    }
}

/// A golden case: a merge and what it must give.
struct MergeCase: CustomStringConvertible, Sendable {
    var name: String
    /// The members, in the order of the configuration.
    var members: [String]
    var base: String?
    var method: @Sendable (_ base: (any Checkpoint)?) -> any MergeMethod
    /// How far elements may be off beside 1e-7, relative to themselves: what the reference's arithmetic in float32, which
    /// sums in another order, is from exact results. `RoundingTests` holds merges to these themselves.
    var relativeError = 2e-6
    /// The share of the elements that may differ: those whose fate the reference's rounding decides.
    var outlierShare = 0.0
    /// Whether the reference has every tensor.
    var listsAllTensors = true
    var description: String { name }

    static let all: [MergeCase] = linear + slerp + taskArithmetic + ties + directions + thinned

    /// Half a unit in the last place of a bfloat16, to which the reference's result is rounded, and float32's errors.
    static let halfUnit = 0x1p-8 + 1e-6

    static let fp32 = ["fp32/ftA", "fp32/ftB", "fp32/ftC"]
    static let bf16 = ["bf16/ftA", "bf16/ftB", "bf16/ftC"]

    static let linear = [
        MergeCase(name: "linear-basic", members: fp32) { _ in .linear(weights: [1.0, 0.3, 0.5]) },
        MergeCase(name: "linear-nonorm-with-base", members: ["fp32/base", "fp32/ftA", "fp32/ftB"]) { _ in
            .linear(weights: [0.2, 0.4, 0.7], normalise: false)
        },
        MergeCase(name: "linear-filters-gradient", members: ["fp32/ftA", "fp32/ftC"]) { _ in
            .linear(weights: [
                .matching(
                    [
                        "self_attn": .gradient([0, 0.5, 1], layers: 3),
                        "mlp": .gradient([1, 0.5, 0.1], layers: 3),
                    ],
                    otherwise: 0.4
                ),
                .matching(
                    ["self_attn": .gradient([1, 0.5, 0], layers: 3), "mlp": 0.25],
                    otherwise: 0.6
                ),
            ])
        },
    ]

    static let slerp = [
        MergeCase(name: "slerp-t03", members: ["fp32/ftA", "fp32/ftB"]) { _ in .slerp(t: 0.3) },
        MergeCase(name: "slerp-base-second", members: ["fp32/ftB", "fp32/ftA"]) { _ in .slerp(t: 0.3) },
        MergeCase(name: "slerp-far-apart", members: ["fp32/ftA", "fp32/other"]) { _ in .slerp(t: 0.6) },
        MergeCase(name: "slerp-gradient-filters", members: ["fp32/ftA", "fp32/other"]) { _ in
            .slerp(
                t: .matching(
                    [
                        "self_attn": .gradient([0, 0.5, 0.3, 0.7, 1], layers: 3),
                        "mlp": .gradient([1, 0.5, 0.7, 0.3, 0], layers: 3),
                    ],
                    otherwise: 0.5
                )
            )
        },
    ]

    static let taskArithmetic = [
        MergeCase(name: "task-arithmetic", members: fp32, base: "fp32/base") {
            .taskArithmetic(base: $0, weights: [0.6, 0.4, -0.2])
        },
        MergeCase(name: "task-arithmetic-normalize-lambda", members: fp32, base: "fp32/base") {
            .taskArithmetic(base: $0, weights: [0.6, 0.4, 0.5], lambda: 0.7, normalise: true)
        },
        MergeCase(
            name: "task-arithmetic-bf16-in-fp32",
            members: bf16,
            base: "bf16/base",
            method: { .taskArithmetic(base: $0, weights: [0.6, 0.4, 0.3]) },
            relativeError: halfUnit
        ),
    ]

    static let ties = [
        MergeCase(name: "ties", members: fp32, base: "fp32/base") {
            .ties(base: $0, density: [0.6, 0.5, 0.4], weights: 0.5)
        },
        MergeCase(name: "ties-nonorm-int8", members: fp32, base: "fp32/base") {
            .ties(base: $0, density: 0.5, weights: [0.5, 0.4, 0.3], combination: .sum)
        },
        MergeCase(name: "ties-gradients", members: fp32, base: "fp32/base") {
            .ties(
                base: $0,
                density: [.gradient([1, 0.7, 0.1], layers: 3), 0.5, 0.33],
                weights: [
                    1, .gradient([0, 0.3, 0.7, 1], layers: 3), .matching(["mlp": 0.5], otherwise: 0),
                ]
            )
        },
        MergeCase(name: "ties-negative-weight-lambda", members: fp32, base: "fp32/base") {
            .ties(base: $0, density: 0.7, weights: [1, -0.5, 0.8], lambda: 0.8)
        },
        MergeCase(name: "ties-rescale", members: fp32, base: "fp32/base") {
            .ties(base: $0, density: 0.3, weights: 0.5, rescaling: .l1)
        },
        MergeCase(name: "ties-tiny-density", members: fp32, base: "fp32/base") {
            .ties(base: $0, density: [0.001, 0.02, 0])
        },
        MergeCase(name: "ties-base-listed-middle", members: ["fp32/ftA", "fp32/ftC"], base: "fp32/base") {
            .ties(base: $0, density: 0.5, weights: [0.6, 0.7])
        },
        MergeCase(
            name: "ties-bf16-in-fp32",
            members: bf16,
            base: "bf16/base",
            method: { .ties(base: $0, density: [0.6, 0.5, 0.4], weights: 0.5) },
            relativeError: halfUnit
        ),
    ]
}
