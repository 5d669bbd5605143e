import Collab

extension TransformerConfiguration {
    /// Checks that a checkpoint holds exactly the tensors that this model has, each in its shape.
    ///
    /// Nothing is allocated in proportion to the numbers in the file before this has passed. A tensor that the
    /// architecture does not know is an error too: leaving it out would change the answers silently.
    func validate(against checkpoint: any Checkpoint) throws(CollabError) {
        var remaining: [String: TensorDescription] = [:]
        for tensor in checkpoint.tensors where !layout.naming.isBuffer(tensor.name) {
            remaining[tensor.name] = tensor
        }
        var fused: Set<String> = []

        func require(_ place: TensorPlace?) throws(CollabError) {
            guard let place, !fused.contains(place.name) else { return }
            guard let tensor = remaining.removeValue(forKey: place.name) else {
                throw CollabError(.malformedFile, "\(checkpoint.name) lacks the tensor “\(place.name)”.")
            }
            try tensor.requireShape(place.storedShape, of: checkpoint.name)
            if place.rows.count < place.storedShape[0] { fused.insert(place.name) }
        }

        for tensor in ModelTensor.allCases { try require(place(of: tensor)) }
        for index in layers.indices {
            for tensor in LayerTensor.allCases { try require(place(of: tensor, in: index)) }
        }
        // Files of tied models may hold the output matrix once more.
        if tiesOutput { remaining[ModelTensor.output.name(layout.naming)] = nil }
        if let name = remaining.keys.min() {
            let known = ModelTensor.allCases.compactMap { place(of: $0)?.name } + knownInLayers
            throw CollabError(
                .unsupported,
                "The tensor “\(name)” of \(checkpoint.name) is not part of a \(architecture) model as known here, "
                    + "which has \(known.joined(separator: ", "))."
            )
        }
    }

    /// The names of the tensors of a layer N, each once.
    private var knownInLayers: [String] {
        var names: [String] = []
        for tensor in LayerTensor.allCases {
            guard let name = place(of: tensor, in: 0)?.name.replacing(".0.", with: ".N.", maxReplacements: 1),
                !names.contains(name)
            else { continue }
            names.append(name)
        }
        return names
    }
}

extension TensorDescription {
    /// Throws `malformedFile` if the tensor has another shape than the metadata asks for.
    func requireShape(_ expected: [Int], of checkpoint: String) throws(CollabError) {
        guard shape != expected else { return }
        throw CollabError(
            .malformedFile,
            "The tensor “\(name)” of \(checkpoint) has the shape \(shape), but its metadata asks for \(expected)."
        )
    }
}
