import Collab
import CollabKernels

/// A model's weights, immutable and shared by everything that runs it.
///
/// Matrices are kept in the layout that the kernels read, quantised as they were in the file; norms are float32.
final class Weights: Sendable {
    /// The matrices and norms of one layer.
    ///
    /// An object, so that handing it around costs one reference rather than many.
    final class Layer: Sendable {
        let attentionNorm: [Float]
        let query: PackedMatrix
        let key: PackedMatrix
        let value: PackedMatrix
        let queryBias: [Float]?
        let keyBias: [Float]?
        let valueBias: [Float]?
        let attentionOutput: PackedMatrix
        let attentionOutputBias: [Float]?
        let queryNorm: [Float]?
        let keyNorm: [Float]?
        let postAttentionNorm: [Float]?
        let feedForwardNorm: [Float]
        let gate: PackedMatrix
        let up: PackedMatrix
        let down: PackedMatrix
        let postFeedForwardNorm: [Float]?

        init(
            _ index: Int,
            _ configuration: TransformerConfiguration,
            _ loader: WeightLoader
        ) throws(CollabError) {
            func place(_ tensor: LayerTensor) throws(CollabError) -> TensorPlace {
                guard let place = configuration.place(of: tensor, in: index) else {
                    throw CollabError(
                        .malformedFile,
                        "A layer of \(configuration.architecture) has no \(tensor)."
                    )
                }
                return place
            }
            func matrix(_ tensor: LayerTensor) throws(CollabError) -> PackedMatrix {
                try loader.matrix(try place(tensor))
            }
            func vector(_ tensor: LayerTensor) throws(CollabError) -> [Float]? {
                try configuration.place(of: tensor, in: index).map { (place) throws(CollabError) in
                    try loader.vector(place)
                }
            }
            attentionNorm = try loader.vector(try place(.attentionNorm))
            query = try matrix(.query)
            key = try matrix(.key)
            value = try matrix(.value)
            queryBias = try vector(.queryBias)
            keyBias = try vector(.keyBias)
            valueBias = try vector(.valueBias)
            attentionOutput = try matrix(.attentionOutput)
            attentionOutputBias = try vector(.attentionOutputBias)
            queryNorm = try vector(.queryNorm)
            keyNorm = try vector(.keyNorm)
            postAttentionNorm = try vector(.postAttentionNorm)
            feedForwardNorm = try loader.vector(try place(.feedForwardNorm))
            gate = try matrix(.gate)
            up = try matrix(.up)
            down = try matrix(.down)
            postFeedForwardNorm = try vector(.postFeedForwardNorm)
        }
    }

    let configuration: TransformerConfiguration
    /// A row for each token, as it enters the residual stream.
    let embedding: PackedMatrix
    let layers: [Layer]
    let outputNorm: [Float]
    /// The matrix from the residual stream to logits.
    let output: PackedMatrix
    /// The bytes that the matrices take.
    let byteCount: Int
    /// Which forms of activations the matrices read in a precision.
    func activationForms(_ precision: Precision) -> Set<Precision> {
        let all = layers.flatMap {
            [$0.query, $0.key, $0.value, $0.attentionOutput, $0.gate, $0.up, $0.down]
        }
        return (all + [output]).contains(where: \.needsFloatActivations) ? [precision, .float] : [precision]
    }

    /// Loads a checkpoint whose tensors have been validated.
    init(
        _ checkpoint: any Checkpoint,
        configuration: TransformerConfiguration,
        format: WeightFormat,
        outputInPlanes: Bool,
        memoryLimit: Int?,
        workers: Int
    ) throws(CollabError) {
        try configuration.validate(against: checkpoint)
        let loader = try WeightLoader(checkpoint, format: format, workers: workers)
        try loader.checkSizes(memoryLimit: memoryLimit)
        self.configuration = configuration
        func place(_ tensor: ModelTensor) throws(CollabError) -> TensorPlace {
            guard let place = configuration.place(of: tensor) else {
                throw CollabError(.malformedFile, "A \(configuration.architecture) model has no \(tensor).")
            }
            return place
        }
        // The largest first: workers share it as they have time, which the vocabulary's thread needs as well.
        // In planes, the most probable tokens are found from two thirds of the bytes.
        embedding = try loader.matrix(
            try place(.embedding),
            inPlanes: outputInPlanes && configuration.tiesOutput
        )
        output =
            configuration.tiesOutput
            ? embedding : try loader.matrix(try place(.output), inPlanes: outputInPlanes)
        outputNorm = try loader.vector(try place(.outputNorm))
        var layers: [Layer] = []
        for index in configuration.layers.indices { layers.append(try Layer(index, configuration, loader)) }
        self.layers = layers
        byteCount = loader.bytesUsed
    }
}
