import Collab

extension MergeCase {
    /// Merges that look at angles and lengths.
    static let directions = [
        MergeCase(name: "model-stock", members: fp32, base: "fp32/base") { .modelStock(base: $0) },
        MergeCase(name: "model-stock-filter-wise", members: fp32, base: "fp32/base") {
            .modelStock(base: $0, scope: .rows)
        },
        MergeCase(name: "nuslerp-flat", members: ["fp32/ftA", "fp32/other"]) { _ in
            .nuslerp(weights: [0.75, 0.25])
        },
        MergeCase(name: "nuslerp-colwise", members: ["fp32/ftA", "fp32/other"]) { _ in
            .nuslerp(weights: [0.4, 0.6], scope: .rows)
        },
        MergeCase(name: "nuslerp-rowwise", members: ["fp32/ftA", "fp32/other"]) { _ in
            .nuslerp(weights: [0.4, 0.6], scope: .columns)
        },
        MergeCase(name: "nuslerp-task-vector", members: ["fp32/ftB", "fp32/ftC"], base: "fp32/base") {
            .nuslerp(base: $0, weights: [1, 2])
        },
        MergeCase(name: "multislerp", members: ["fp32/ftA", "fp32/ftB", "fp32/other"]) { _ in
            .multislerp(weights: [0.5, 0.3, 0.4])
        },
        MergeCase(name: "multislerp-base", members: fp32, base: "fp32/base") {
            .multislerp(base: $0, weights: [0.5, 0.3, 0.4])
        },
        MergeCase(name: "multislerp-nonorm", members: ["fp32/ftA", "fp32/other"]) { _ in
            .multislerp(weights: [0.5, 0.7], normalise: false)
        },
        MergeCase(name: "karcher", members: ["fp32/ftA", "fp32/ftB", "fp32/other"]) { _ in .karcher() },
        MergeCase(name: "karcher-iter2-tol", members: ["fp32/ftA", "fp32/other", "fp32/ftC"]) { _ in
            .karcher(maximumIterations: 2, tolerance: 1e-9)
        },
        MergeCase(name: "nearswap", members: ["fp32/ftB"], base: "fp32/base") {
            .nearSwap(base: $0, t: 0.001)
        },
    ]
}
