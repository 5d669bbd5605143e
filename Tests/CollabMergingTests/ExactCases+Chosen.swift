extension ExactCase {
    static let trimmed = [
        ExactCase("ties") { PlainMerges.ties($0.base, $0.all, [0.5, 0.5, 0.5], density: [0.6, 0.5, 0.4]) },
        ExactCase("ties-bf16") {
            PlainMerges.ties($0.base, $0.all, [0.5, 0.5, 0.5], density: [0.6, 0.5, 0.4])
        },
        ExactCase("ties-bf16-in-fp32") {
            PlainMerges.ties($0.base, $0.all, [0.5, 0.5, 0.5], density: [0.6, 0.5, 0.4])
        },
        ExactCase("ties-nonorm-int8") {
            PlainMerges.ties(
                $0.base,
                $0.all,
                [0.5, 0.4, 0.3],
                density: [0.5, 0.5, 0.5],
                normalised: false
            )
        },
        ExactCase("ties-gradients") { x in
            PlainMerges.ties(
                x.base,
                x.all,
                [1, x.gradient([0, 0.3, 0.7, 1]), x.filtered([("mlp", 0.5)], otherwise: 0)],
                density: [x.gradient([1, 0.7, 0.1]), 0.5, 0.33]
            )
        },
        ExactCase("ties-negative-weight-lambda") {
            PlainMerges.ties($0.base, $0.all, [1, -0.5, 0.8], density: [0.7, 0.7, 0.7], lambda: 0.8)
        },
        ExactCase("ties-rescale") {
            PlainMerges.ties($0.base, $0.all, [0.5, 0.5, 0.5], density: [0.3, 0.3, 0.3], rescaled: true)
        },
        ExactCase("ties-tiny-density") {
            PlainMerges.ties($0.base, $0.all, [1, 1, 1], density: [0.001, 0.02, 0])
        },
        ExactCase("ties-base-listed-middle") {
            PlainMerges.ties($0.base, [$0.a, $0.c], [0.6, 0.7], density: [0.5, 0.5])
        },
        ExactCase("breadcrumbs") {
            PlainMerges.breadcrumbs(
                $0.base,
                $0.all,
                [0.4, 0.4, 0.4],
                density: [0.85, 0.85, 0.85],
                gamma: [0.05, 0.05, 0.05]
            )
        },
        ExactCase("breadcrumbs-gamma-clamped") {
            PlainMerges.breadcrumbs(
                $0.base,
                $0.all,
                [0.4, 0.5, 0.6],
                density: [0.9, 0.9, 0.9],
                gamma: [0.3, 0.3, 0.3]
            )
        },
        ExactCase("breadcrumbs-ties") {
            PlainMerges.breadcrumbs(
                $0.base,
                $0.all,
                [0.4, 0.5, 0.6],
                density: [0.4, 0.5, 0.6],
                gamma: [0.2, 0.1, 0.02],
                votes: true
            )
        },
        // At a density of 1 nothing is drawn.
        ExactCase("della-density1-normalize") { x in
            let changes = x.all.map { PlainMerges.difference($0, x.base) }
            return PlainMerges.elected(x.base, changes, [0.4, 0.5, 0.6])
        },
    ]

    static let chosen = [
        ExactCase("sce") { PlainMerges.sce($0.base, $0.all) },
        ExactCase("sce-topk") { PlainMerges.sce($0.base, $0.all, share: 0.3) },
        ExactCase("sce-topk-bf16-in-fp32") { PlainMerges.sce($0.base, $0.all, share: 0.5) },
        ExactCase("ram") { PlainMerges.ram($0.base, $0.all) },
        ExactCase("ramplus") { PlainMerges.ram($0.base, $0.all, epsilon: 0.002, gain: 0.5, limit: 0.9) },
        ExactCase("arcee-fusion") { x in
            PlainMerges.arceeFusion(x.base, x.b, rowLength: x.shape[x.shape.count - 1])
        },
        ExactCase("arcee-fusion-bf16") { x in
            PlainMerges.arceeFusion(x.base, x.c, rowLength: x.shape[x.shape.count - 1])
        },
    ]

    static let stacked = [
        ExactCase("slices-per-slice-parameters") { x in
            // What stands before the layers belongs to the first slice, what stands behind them to the last.
            if x.layer == 0 || x.name.contains("embed") {
                return PlainMerges.ties(x.base, [x.a, x.b], [0.9, 0.1], density: [0.5, 0.7], lambda: 0.5)
            }
            let weight = x.layer == 2 ? 0.8 : 0.2
            return PlainMerges.ties(x.base, [x.c, x.b], [weight, 0.5], density: [0.7, 0.7])
        },
        ExactCase("passthrough-scale") { x in
            let deeper = x.layer == 1 ? 2.0 : 0.5
            let scale = x.filtered([("o_proj", 0), ("down_proj", deeper)], otherwise: 1)
            return x.c.map { scale * $0 }
        },
        ExactCase("passthrough-stack") { x in
            guard let layer = x.layer else { return x.a }
            let sources = [("ftA", 0), ("ftA", 1), ("ftB", 1), ("ftB", 2), ("ftA", 2)]
            let (model, origin) = sources[layer]
            return x.of("fp32/" + model, x.name.replacing("layers.\(layer).", with: "layers.\(origin)."))
        },
    ]

    /// Methods that mergekit does not have.
    static let beyond = [
        ExactCase("magmax", configuration: members("magmax", "lambda: 0.5")) { x in
            let changes = x.all.map { PlainMerges.difference($0, x.base) }
            return PlainMerges.sum([x.base, PlainMerges.largest(changes)], [1, 0.5])
        },
        ExactCase("emr", configuration: members("emr", "lambda: 0.8")) { x in
            let changes = x.all.map { PlainMerges.difference($0, x.base) }
            return PlainMerges.sum([x.base, PlainMerges.largest(changes, elected: true)], [1, 0.8])
        },
        ExactCase("expo", configuration: members("expo", "alpha: 0.3", ["ftB"])) {
            PlainMerges.sum([$0.b, $0.base], [1.3, -0.3])
        },
    ]

    private static func members(
        _ method: String,
        _ parameters: String,
        _ names: [String] = ["ftA", "ftB", "ftC"]
    ) -> String {
        let models = names.map { "{model: inputs/fp32/\($0)}" }.joined(separator: ", ")
        return """
            models: [\(models)]
            merge_method: \(method)
            base_model: inputs/fp32/base
            parameters: {\(parameters)}
            """
    }
}
