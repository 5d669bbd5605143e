import Collab
import CollabBackends

// Which tensors of the sources a slice is made of.
extension PlanBuilder {
    /// The layers of a module that a source gives to its slice.
    mutating func layers(
        of source: MergeDocument.Source,
        in module: Int
    ) throws(CollabError) -> Range<Int> {
        let owners = try moduleTensors(of: source.model)
        let tensors = try shelf.checkpoint(source.model).tensors
        let found = LayerStacks(tensors.filter { owners.owns($0.name, module) })
        let (count, stacks) = (found.layerCount, found.prefixes)
        let isWhole = found.isWhole(source.layers)
        guard stacks.count <= 1 || document.modules[module].slices.count == 1 && isWhole else {
            throw CollabError(
                .unsupported,
                "\(source.model) has several stacks of layers (\(stacks.joined(separator: ", "))); slices do not say "
                    + "which of them they are of. Merge whole models, or list modules; it has "
                    + "\(owners.known.joined(separator: ", "))."
            )
        }
        guard let layers = source.layers, !isWhole else { return 0..<count }
        guard layers.upperBound <= count else {
            let owner = document.modules[module].name.map { " in “\($0)”" } ?? ""
            throw CollabError(
                .tensorMismatch,
                "\(source.model) has \(count) layers\(owner); there are no layers \(layers.lowerBound) up to "
                    + "\(layers.upperBound)."
            )
        }
        return layers
    }

    /// The tensors of a slice as each source has them, under the names of the result.
    mutating func views(
        of sources: [MergeDocument.Source],
        _ ranges: [Range<Int>],
        at target: Range<Int>,
        in module: Int,
        buffersOf donor: ModelReference,
        isFirst: Bool,
        isLast: Bool
    ) throws(CollabError) -> [CheckpointView] {
        var named: [[(name: String, original: String)]] = []
        for (source, range) in zip(sources, ranges) {
            let owners = try moduleTensors(of: source.model)
            var names: [(name: String, original: String)] = []
            for tensor in try shelf.checkpoint(source.model).tensors {
                if Self.isBuffer(tensor.name) {
                    note(
                        "“\(tensor.name)” of \(source.model) is computed by every program that runs the model; left out."
                    )
                    continue
                }
                guard owners.owns(tensor.name, module) else { continue }
                if let name = Self.name(of: tensor.name, range, target, isFirst, isLast) {
                    names.append((name, tensor.name))
                }
            }
            named.append(names)
        }
        if isLast { try untie(&named, sources) }
        try keepBuffers(of: sources, ranges, from: donor, at: target, isFirst: isFirst, isLast: isLast)
        var views: [CheckpointView] = []
        for (source, names) in zip(sources, named) {
            views.append(CheckpointView(try shelf.checkpoint(source.model), names: names))
        }
        return views
    }

    /// What a tensor of a source is called in the result; `nil` where the slice does not have it.
    static func name(
        of tensor: String,
        _ range: Range<Int>,
        _ target: Range<Int>,
        _ isFirst: Bool,
        _ isLast: Bool
    ) -> String? {
        switch TensorPlace(tensor) {
        case .beforeLayers where isFirst, .afterLayers where isLast: tensor
        case .layer(let layer) where range.contains(layer):
            TensorPlace.renamed(tensor, toLayer: target.lowerBound + layer - range.lowerBound)
        default: nil
        }
    }

    /// Where some models have an output matrix of their own, the embeddings stand in for it in the others.
    private mutating func untie(
        _ named: inout [[(name: String, original: String)]],
        _ sources: [MergeDocument.Source]
    ) throws(CollabError) {
        var heads: [String] = []
        for name in named.joined().map(\.name) where OutputMatrix.isOutput(name) && !heads.contains(name) {
            heads.append(name)
        }
        for head in heads {
            for index in named.indices where !named[index].contains(where: { $0.name == head }) {
                let checkpoint = try shelf.checkpoint(sources[index].model)
                named[index].append((head, try OutputMatrix.tied(to: head, in: checkpoint)))
                note(
                    "\(sources[index].model) has no “\(head)”; its embeddings stand in, and the result has one of its own."
                )
            }
        }
    }
}
