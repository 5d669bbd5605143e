import Collab

extension MergeCase {
    /// Merges that thin or choose between task vectors, beside TIES.
    static let thinned = [
        MergeCase(name: "breadcrumbs", members: fp32, base: "fp32/base") {
            .breadcrumbs(base: $0, density: 0.85, gamma: 0.05, weights: 0.4)
        },
        MergeCase(name: "breadcrumbs-gamma-clamped", members: fp32, base: "fp32/base") {
            .breadcrumbs(base: $0, density: 0.9, gamma: 0.3, weights: [0.4, 0.5, 0.6])
        },
        MergeCase(name: "breadcrumbs-ties", members: fp32, base: "fp32/base") {
            .breadcrumbs(
                base: $0,
                density: [0.4, 0.5, 0.6],
                gamma: [0.2, 0.1, 0.02],
                weights: [0.4, 0.5, 0.6],
                vote: .weighted
            )
        },
        MergeCase(name: "sce", members: fp32, base: "fp32/base") { .sce(base: $0) },
        MergeCase(name: "sce-topk", members: fp32, base: "fp32/base") { .sce(base: $0, share: 0.3) },
        MergeCase(
            name: "sce-topk-bf16-in-fp32",
            members: bf16,
            base: "bf16/base",
            method: { .sce(base: $0, share: 0.5) },
            // Of 7,326 elements 17 are rounded to the other neighbour: the reference's weights are in float32.
            relativeError: 2 * halfUnit
        ),
        MergeCase(name: "ram", members: fp32, base: "fp32/base") { .ram(base: $0) },
        MergeCase(name: "ramplus", members: fp32, base: "fp32/base") {
            .ramPlus(base: $0, epsilon: 0.002, gain: 0.5, limit: 0.9)
        },
        MergeCase(
            name: "arcee-fusion",
            members: ["fp32/ftB"],
            base: "fp32/base",
            method: { .arceeFusion(base: $0) },
            outlierShare: 0.002
        ),
        MergeCase(name: "della-density1-normalize", members: fp32, base: "fp32/base") {
            .della(base: $0, density: 1, seed: 0, weights: [0.4, 0.5, 0.6])
        },
        MergeCase(
            name: "passthrough-scale",
            members: ["fp32/ftC"],
            method: { _ in
                .passthrough(
                    scale: .matching(
                        ["o_proj": 0, "down_proj": .gradient([0.5, 2], layers: 2)],
                        otherwise: 1
                    )
                )
            },
            listsAllTensors: false
        ),
        MergeCase(
            name: "magmax",
            members: fp32,
            base: "fp32/base",
            method: { .magMax(base: $0) },
            listsAllTensors: false
        ),
    ]
}
