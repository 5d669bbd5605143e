import Collab
import CollabKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A model's pass over one text that can be gone through backwards, in single precision and on the calling thread.
///
/// It is a second, plain implementation of the engine's architectures, which keeps what the gradients need; the engine
/// itself keeps nothing and computes on quantised weights.
final class TransformerGradient {
    /// What a layer has computed.
    private struct Layer {
        var attentionNorm: NormedRows
        var queryNorm: NormedRows?
        var keyNorm: NormedRows?
        var attention: AttentionGradient
        var attentionOutput: Rows
        var postAttentionNorm: NormedRows?
        var feedForwardNorm: NormedRows
        var gate: Rows
        var up: Rows
        var bent: Rows
        var down: Rows
        var postFeedForwardNorm: NormedRows?
    }

    let weights: TrainableWeights
    private var configuration: TransformerConfiguration { weights.configuration }
    private let tokens: [TokenID]
    private var layers: [Layer] = []
    private var outputNorm: NormedRows
    /// One row of logits a token, before they are capped.
    private var rawLogits: Rows
    private var rotaries: [RotaryTable?]
    private let gated: (adapter: GatedAdapter, gates: [[Float]])?
    /// What the adapter has added.
    private var additions: [GatedAdapter.Site: GatedRows] = [:]
    /// Filled while gradients are gone through.
    private var gateGradients: [[Float]] = []

    /// Reads a text.
    ///
    /// - Parameter gated: an adapter that is in force, and its gates.
    init(
        _ weights: TrainableWeights,
        _ tokens: [TokenID],
        under gated: (adapter: GatedAdapter, gates: [[Float]])? = nil
    ) {
        self.weights = weights
        self.tokens = tokens
        self.gated = gated
        let configuration = weights.configuration
        rotaries = configuration.layers.map { layer in
            layer.rotation.map { rotation in
                var table = RotaryTable(rotation, dimension: configuration.rotaryDimension)
                table.extend(to: tokens.count)
                return table
            }
        }
        let width = configuration.embeddingLength
        var residual = Rows(count: tokens.count, width: width)
        for (row, token) in tokens.enumerated() {
            for place in 0..<width {
                residual.values[row * width + place] =
                    weights.embedding[Int(token) * width + place] * configuration.embeddingScale
            }
        }
        // Filled below; every property needs a value before methods can be called.
        outputNorm = NormedRows(Rows(count: 0, width: width), weight: weights.outputNorm, epsilon: 1)
        rawLogits = Rows(count: 0, width: 1)
        for index in configuration.layers.indices { residual = forward(index, residual) }
        outputNorm = NormedRows(residual, weight: weights.outputNorm, epsilon: configuration.normEpsilon)
        rawLogits = outputNorm.output.through(
            weights.output ?? weights.embedding,
            outputs: configuration.vocabularySize
        )
    }

    /// One row of logits a token.
    var logits: Rows {
        guard let cap = configuration.finalSoftCap else { return rawLogits }
        var logits = rawLogits
        for place in logits.values.indices { logits.values[place] = cap * tanhf(logits.values[place] / cap) }
        return logits
    }

    private func forward(_ index: Int, _ input: Rows) -> Rows {
        let (layer, epsilon) = (weights.layers[index], configuration.normEpsilon)
        let norm = NormedRows(input, weight: layer.attentionNorm, epsilon: epsilon)
        var queries = through(.query, index, norm.output)
        var keys = through(.key, index, norm.output)
        var values = through(.value, index, norm.output)
        queries.add(bias: layer.queryBias)
        keys.add(bias: layer.keyBias)
        values.add(bias: layer.valueBias)
        let queryNorm = layer.queryNorm.map { NormedRows(queries, weight: $0, epsilon: epsilon) }
        let keyNorm = layer.keyNorm.map { NormedRows(keys, weight: $0, epsilon: epsilon) }
        queries = queryNorm?.output ?? queries
        keys = keyNorm?.output ?? keys
        turn(&queries, index, backwards: false)
        turn(&keys, index, backwards: false)
        let attention = AttentionGradient(
            configuration,
            window: configuration.layers[index].window,
            queries: queries,
            keys: keys,
            values: values
        )
        var output = through(.attentionOutput, index, attention.mixed)
        output.add(bias: layer.attentionOutputBias)
        let postAttention = layer.postAttentionNorm.map { NormedRows(output, weight: $0, epsilon: epsilon) }
        var residual = input
        residual += postAttention?.output ?? output
        let feedForwardNorm = NormedRows(residual, weight: layer.feedForwardNorm, epsilon: epsilon)
        let gate = through(.gate, index, feedForwardNorm.output)
        let up = through(.up, index, feedForwardNorm.output)
        var bent = up
        for place in bent.values.indices { bent.values[place] *= bend(gate.values[place]).value }
        let down = through(.down, index, bent)
        let postFeedForward = layer.postFeedForwardNorm.map { NormedRows(down, weight: $0, epsilon: epsilon) }
        residual += postFeedForward?.output ?? down
        layers.append(
            Layer(
                attentionNorm: norm,
                queryNorm: queryNorm,
                keyNorm: keyNorm,
                attention: attention,
                attentionOutput: output,
                postAttentionNorm: postAttention,
                feedForwardNorm: feedForwardNorm,
                gate: gate,
                up: up,
                bent: bent,
                down: down,
                postFeedForwardNorm: postFeedForward
            )
        )
        return residual
    }

    /// What a linear layer of the model makes of its inputs, with what the adapter adds.
    private func through(_ tensor: LayerTensor, _ layer: Int, _ input: Rows) -> Rows {
        let matrix = weights.layers[layer][tensor]
        var output = input.through(matrix, outputs: matrix.count / input.width)
        let site = GatedAdapter.Site(layer: layer, tensor: tensor)
        if let gated, let part = gated.adapter[site] {
            additions[site] = GatedRows(part, gate: gated.gates[part.gate], input: input, addedTo: &output)
        }
        return output
    }

    /// The gradient of a linear layer's inputs, of that of its outputs; the gate's is added to what is known of it.
    private func back(_ slopes: Rows, through tensor: LayerTensor, _ layer: Int) -> Rows {
        let matrix = weights.layers[layer][tensor]
        let inputs = matrix.count / slopes.width
        guard let addition = additions[GatedAdapter.Site(layer: layer, tensor: tensor)] else {
            return slopes.back(through: matrix, inputs: inputs)
        }
        let (output, read, gate) = addition.back(slopes)
        for place in gate.indices { gateGradients[addition.place][place] += gate[place] }
        var result = output.back(through: matrix, inputs: inputs)
        result += read
        return result
    }

    /// The activation and its slope.
    private func bend(_ x: Float) -> (value: Float, slope: Float) {
        switch configuration.activation {
        case .swish:
            let sigmoid = 1 / (1 + expf(-x))
            return (x * sigmoid, sigmoid * (1 + x * (1 - sigmoid)))
        case .gelu:
            let factor: Float = 0.797_884_56
            let inner = tanhf(factor * (x + 0.044_715 * x * x * x))
            let slope = (1 - inner * inner) * factor * (1 + 3 * 0.044_715 * x * x)
            return (0.5 * x * (1 + inner), 0.5 * (1 + inner) + 0.5 * x * slope)
        }
    }

    /// Turns queries or keys by their positions, or gradients back.
    private func turn(_ rows: inout Rows, _ layer: Int, backwards: Bool) {
        guard let table = rotaries[layer] else { return }
        let dimension = configuration.headDimension
        let pairs = table.pairs
        for row in 0..<rows.count {
            table.withAngles(at: row) { cosines, sines in
                for head in 0..<rows.width / dimension {
                    let start = row * rows.width + head * dimension
                    for pair in 0..<pairs {
                        let first = start + (configuration.rotatesNeighbours ? 2 * pair : pair)
                        let second = configuration.rotatesNeighbours ? first + 1 : first + pairs
                        let (a, b) = (rows.values[first], rows.values[second])
                        let sine = backwards ? -sines[pair] : sines[pair]
                        rows.values[first] = cosines[pair] * a - sine * b
                        rows.values[second] = sine * a + cosines[pair] * b
                    }
                }
            }
        }
    }

    /// Goes back from the gradient of the logits and hands out that of every tensor, each once or, where several tensors
    /// are stored as one, part by part.
    ///
    /// - Parameter report: told the place of a tensor and its gradient.
    func back(_ gradient: Rows, _ report: @escaping (TensorPlace, [Float]) -> Void) {
        _ = goBack(gradient, report)
    }

    /// Goes back from the gradient of the logits to those of the adapter's gates, in their order.
    func backToGates(_ gradient: Rows) -> [[Float]] { goBack(gradient, nil) }

    /// - Parameter report: told the place of a tensor and its gradient; those of tensors are not computed if `nil`.
    /// - Returns: the gradients of the gates.
    private func goBack(_ gradient: Rows, _ report: ((TensorPlace, [Float]) -> Void)?) -> [[Float]] {
        gateGradients = gated?.adapter.zeroGates ?? []
        var slopes = gradient
        if let cap = configuration.finalSoftCap {
            for place in slopes.values.indices {
                let bent = tanhf(rawLogits.values[place] / cap)
                slopes.values[place] *= 1 - bent * bent
            }
        }
        if let place = configuration.place(of: .output), weights.output != nil {
            report?(place, slopes.matrixGradient(inputs: outputNorm.output))
        }
        var (residual, norm) = outputNorm.back(
            slopes.back(through: weights.output ?? weights.embedding, inputs: configuration.embeddingLength)
        )
        if let place = configuration.place(of: .outputNorm) { report?(place, norm) }
        for index in configuration.layers.indices.reversed() {
            let report = report.map { report in
                { [configuration] (tensor: LayerTensor, gradient: [Float]) in
                    if let place = configuration.place(of: tensor, in: index) { report(place, gradient) }
                }
            }
            back(index, &residual, report)
        }
        if let place = configuration.place(of: .embedding) {
            report?(place, embeddingGradient(slopes, residual))
        }
        return gateGradients
    }

    /// The gradient of the embeddings, of those of the logits and of the first layer's input.
    private func embeddingGradient(_ slopes: Rows, _ residual: Rows) -> [Float] {
        var result =
            weights.output == nil
            ? slopes.matrixGradient(inputs: outputNorm.output)
            : [Float](repeating: 0, count: weights.embedding.count)
        for (row, token) in tokens.enumerated() {
            for place in 0..<residual.width {
                result[Int(token) * residual.width + place] +=
                    residual.values[row * residual.width + place] * configuration.embeddingScale
            }
        }
        return result
    }

    private func back(
        _ index: Int,
        _ residual: inout Rows,
        _ report: ((LayerTensor, [Float]) -> Void)?
    ) {
        let (layer, past) = (weights.layers[index], layers[index])
        var slopes = residual
        if let norm = past.postFeedForwardNorm {
            let back = norm.back(slopes)
            report?(.postFeedForwardNorm, back.weight)
            slopes = back.input
        }
        report?(.down, slopes.matrixGradient(inputs: past.bent))
        let bent = back(slopes, through: .down, index)
        var (gate, up) = (bent, bent)
        for place in bent.values.indices {
            let activation = bend(past.gate.values[place])
            gate.values[place] *= past.up.values[place] * activation.slope
            up.values[place] *= activation.value
        }
        report?(.gate, gate.matrixGradient(inputs: past.feedForwardNorm.output))
        report?(.up, up.matrixGradient(inputs: past.feedForwardNorm.output))
        var inner = back(gate, through: .gate, index)
        inner += back(up, through: .up, index)
        let feedForward = past.feedForwardNorm.back(inner)
        report?(.feedForwardNorm, feedForward.weight)
        residual += feedForward.input

        slopes = residual
        if let norm = past.postAttentionNorm {
            let back = norm.back(slopes)
            report?(.postAttentionNorm, back.weight)
            slopes = back.input
        }
        if layer.attentionOutputBias != nil { report?(.attentionOutputBias, slopes.sum) }
        report?(.attentionOutput, slopes.matrixGradient(inputs: past.attention.mixed))
        var (queries, keys, values) = past.attention.back(
            back(slopes, through: .attentionOutput, index)
        )
        turn(&queries, index, backwards: true)
        turn(&keys, index, backwards: true)
        if let norm = past.queryNorm {
            let back = norm.back(queries)
            report?(.queryNorm, back.weight)
            queries = back.input
        }
        if let norm = past.keyNorm {
            let back = norm.back(keys)
            report?(.keyNorm, back.weight)
            keys = back.input
        }
        if layer.queryBias != nil { report?(.queryBias, queries.sum) }
        if layer.keyBias != nil { report?(.keyBias, keys.sum) }
        if layer.valueBias != nil { report?(.valueBias, values.sum) }
        let input = past.attentionNorm.output
        report?(.query, queries.matrixGradient(inputs: input))
        report?(.key, keys.matrixGradient(inputs: input))
        report?(.value, values.matrixGradient(inputs: input))
        inner = back(queries, through: .query, index)
        inner += back(keys, through: .key, index)
        inner += back(values, through: .value, index)
        let attention = past.attentionNorm.back(inner)
        report?(.attentionNorm, attention.weight)
        residual += attention.input
    }
}
