import Collab

extension TransformerConfiguration {
    /// Checks that a checkpoint holds exactly the tensors that this model has, each in its shape.
    ///
    /// Nothing is allocated in proportion to the numbers in the file before this has passed. A tensor that the
    /// architecture does not know is an error too: leaving it out would change the answers silently.
    func validate(against checkpoint: any Checkpoint) throws(CollabError) {
        var remaining: [String: TensorDescription] = [:]
        for tensor in checkpoint.tensors { remaining[tensor.name] = tensor }

        func require(_ name: String, _ shape: [Int]) throws(CollabError) {
            guard let tensor = remaining.removeValue(forKey: name) else {
                throw CollabError(.malformedFile, "\(checkpoint.name) lacks the tensor “\(name)”.")
            }
            guard tensor.shape == shape else {
                let message = "The tensor “\(name)” of \(checkpoint.name) has the shape \(tensor.shape), "
                throw CollabError(.malformedFile, message + "but its metadata asks for \(shape).")
            }
        }

        try require(ModelTensor.embedding, [vocabularySize, embeddingLength])
        try require(ModelTensor.outputNorm, [embeddingLength])
        if remaining[ModelTensor.output] != nil {
            try require(ModelTensor.output, [vocabularySize, embeddingLength])
        }
        if remaining[ModelTensor.rotationFactors] != nil {
            try require(ModelTensor.rotationFactors, [rotaryDimension / 2])
        }
        for index in layers.indices {
            for tensor in LayerTensor.allCases {
                if let shape = shape(of: tensor) { try require(tensor.name(index), shape) }
            }
        }
        if let name = remaining.keys.min() {
            let message =
                "The tensor “\(name)” of \(checkpoint.name) is not part of a \(architecture) model as known here."
            throw CollabError(.unsupported, message)
        }
    }
}
