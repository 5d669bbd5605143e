import Collab

/// A model's weights in single precision, by the place that each has in the checkpoint.
final class TrainableWeights: Sendable {
    struct Layer: Sendable {
        var attentionNorm: [Float]
        var query: [Float]
        var key: [Float]
        var value: [Float]
        var queryBias: [Float]?
        var keyBias: [Float]?
        var valueBias: [Float]?
        var attentionOutput: [Float]
        var attentionOutputBias: [Float]?
        var queryNorm: [Float]?
        var keyNorm: [Float]?
        var postAttentionNorm: [Float]?
        var feedForwardNorm: [Float]
        var gate: [Float]
        var up: [Float]
        var down: [Float]
        var postFeedForwardNorm: [Float]?

        /// A matrix of the layer, of `[outputs, inputs]`; empty for what is none.
        subscript(tensor: LayerTensor) -> [Float] {
            switch tensor {
            case .query: query
            case .key: key
            case .value: value
            case .attentionOutput: attentionOutput
            case .gate: gate
            case .up: up
            case .down: down
            case .attentionNorm, .queryBias, .keyBias, .valueBias, .attentionOutputBias, .queryNorm, .keyNorm,
                .postAttentionNorm, .feedForwardNorm, .postFeedForwardNorm:
                []
            }
        }
    }

    let configuration: TransformerConfiguration
    let embedding: [Float]
    let layers: [Layer]
    let outputNorm: [Float]
    /// `nil` where the embeddings are the output matrix.
    let output: [Float]?

    init(_ checkpoint: any Checkpoint) throws(CollabError) {
        let configuration = try TransformerConfiguration(describing: checkpoint)
        try configuration.validate(against: checkpoint)
        func values(_ place: TensorPlace?) throws(CollabError) -> [Float]? {
            guard let place else { return nil }
            let columns = place.storedShape.count > 1 ? place.storedShape[1] : 1
            let range = place.rows.lowerBound * columns..<place.rows.upperBound * columns
            let values = try checkpoint.values(of: place.name, elements: range)
            guard let bad = values.firstIndex(where: { !$0.isFinite }) else {
                return place.offset == 0 ? values : values.map { $0 + place.offset }
            }
            throw CollabError(
                .notFinite,
                "Element \(range.lowerBound + bad) of the tensor “\(place.name)” of \(checkpoint.name) is \(values[bad])."
            )
        }
        var layers: [Layer] = []
        for index in configuration.layers.indices {
            func own(_ tensor: LayerTensor) throws(CollabError) -> [Float]? {
                try values(configuration.place(of: tensor, in: index))
            }
            layers.append(
                Layer(
                    attentionNorm: try own(.attentionNorm) ?? [],
                    query: try own(.query) ?? [],
                    key: try own(.key) ?? [],
                    value: try own(.value) ?? [],
                    queryBias: try own(.queryBias),
                    keyBias: try own(.keyBias),
                    valueBias: try own(.valueBias),
                    attentionOutput: try own(.attentionOutput) ?? [],
                    attentionOutputBias: try own(.attentionOutputBias),
                    queryNorm: try own(.queryNorm),
                    keyNorm: try own(.keyNorm),
                    postAttentionNorm: try own(.postAttentionNorm),
                    feedForwardNorm: try own(.feedForwardNorm) ?? [],
                    gate: try own(.gate) ?? [],
                    up: try own(.up) ?? [],
                    down: try own(.down) ?? [],
                    postFeedForwardNorm: try own(.postFeedForwardNorm)
                )
            )
        }
        self.configuration = configuration
        self.layers = layers
        embedding = try values(configuration.place(of: .embedding)) ?? []
        outputNorm = try values(configuration.place(of: .outputNorm)) ?? []
        output = try values(configuration.place(of: .output))
    }
}
