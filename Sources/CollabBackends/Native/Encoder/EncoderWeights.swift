import Collab
import CollabKernels

/// The weights of a BERT encoder as floats; the table of tokens stays in its file.
///
/// `@unchecked Sendable`: the floats are written before the initialiser returns, and never after.
final class EncoderWeights: @unchecked Sendable {
    /// A matrix with its bias; rows are outputs.
    struct Linear {
        var weight: UnsafeMutablePointer<Float>
        var bias: UnsafeMutablePointer<Float>
        var inputs: Int
        var outputs: Int
    }

    /// The factors of a layer norm.
    struct Norm {
        var weight: UnsafeMutablePointer<Float>
        var bias: UnsafeMutablePointer<Float>
    }

    /// One layer.
    struct Layer {
        /// Queries, keys and values, one after another.
        var attention: Linear
        var attentionOutput: Linear
        var attentionNorm: Norm
        var up: Linear
        var down: Linear
        var norm: Norm
    }

    let configuration: EncoderConfiguration
    private let checkpoint: any Checkpoint
    private let naming: EncoderNaming
    private var allocations: [UnsafeMutablePointer<Float>] = []
    private(set) var layers: [Layer] = []
    /// The vectors of the positions, with that of the first segment already added.
    private(set) var positions: UnsafeMutablePointer<Float>
    private(set) var embeddingNorm: Norm
    /// The names of what has been read.
    private var known: Set<String> = []

    /// Reads all weights but the table of tokens.
    ///
    /// Throws `tensorMismatch` for a tensor that is missing or of another shape, `unsupported` for one that is not known,
    /// `notFinite` for one with elements that are no numbers.
    init(_ checkpoint: any Checkpoint, _ configuration: EncoderConfiguration) throws(CollabError) {
        self.configuration = configuration
        self.checkpoint = checkpoint
        naming = EncoderNaming(of: checkpoint)
        positions = UnsafeMutablePointer.allocate(capacity: 1)
        embeddingNorm = Norm(weight: positions, bias: positions)
        allocations.append(positions)
        let (width, inner) = (configuration.width, configuration.feedForwardWidth)
        // Shapes first: nothing is allocated for a file that does not hold what its configuration claims.
        try check(naming.tokens, [configuration.vocabularySize, width])
        positions = try load(naming.positions, [configuration.positionCount, width])
        // One kind of segment at least: the first is that of every text.
        let segments = max(1, checkpoint.description(of: naming.segments)?.shape.first ?? 1)
        let segment = try load(naming.segments, [segments, width])
        for position in 0..<configuration.positionCount {
            VectorKernels.add(segment, count: width, to: positions + position * width)
        }
        embeddingNorm = try norm(naming.embeddingNorm)
        for index in 0..<configuration.layerCount {
            let names = naming.layer(index)
            layers.append(
                Layer(
                    attention: try joined(names.attention, inputs: width, outputs: width),
                    attentionOutput: try joined([names.attentionOutput], inputs: width, outputs: width),
                    attentionNorm: try norm(names.attentionNorm),
                    up: try joined([names.up], inputs: width, outputs: inner),
                    down: try joined([names.down], inputs: inner, outputs: width),
                    norm: try norm(names.norm)
                )
            )
        }
        try refuseUnknown()
    }

    /// A layer more than the configuration says, or a part that no encoder has, would give wrong vectors in silence.
    private func refuseUnknown() throws(CollabError) {
        let unknown = checkpoint.tensors.first { tensor in
            !known.contains(tensor.name) && !naming.others.contains { tensor.name.hasPrefix($0) }
        }
        guard let unknown else { return }
        throw CollabError(
            .unsupported,
            "\(checkpoint.name) has a tensor “\(unknown.name.abbreviated)” that is not known of an encoder of "
                + "\(configuration.layerCount) layers; known are \(naming.known)."
        )
    }

    deinit {
        for allocation in allocations { allocation.deallocate() }
    }

    /// Reads the vector of a token.
    func readToken(_ token: TokenID, into target: UnsafeMutablePointer<Float>) throws(CollabError) {
        let width = configuration.width
        let start = Int(token) * width
        try checkpoint.read(
            naming.tokens,
            elements: start..<start + width,
            into: UnsafeMutableBufferPointer(start: target, count: width)
        )
    }

    private func check(_ name: String, _ shape: [Int]) throws(CollabError) {
        let found = checkpoint.description(of: name)?.shape
        known.insert(name)
        guard found == shape else {
            throw CollabError(
                .tensorMismatch,
                "\(checkpoint.name) has no tensor “\(name)” of the shape \(shape)"
                    + (found.map { "; its shape is \($0)." } ?? ".")
            )
        }
    }

    private func allocate(_ count: Int) -> UnsafeMutablePointer<Float> {
        let floats = UnsafeMutableRawPointer.allocate(byteCount: count * 4, alignment: 64)
            .bindMemory(to: Float.self, capacity: count)
        allocations.append(floats)
        return floats
    }

    private func load(_ name: String, _ shape: [Int]) throws(CollabError) -> UnsafeMutablePointer<Float> {
        try check(name, shape)
        let count = shape.reduce(1, *)
        let floats = allocate(count)
        try read(name, count: count, into: floats)
        return floats
    }

    private func read(
        _ name: String,
        count: Int,
        into floats: UnsafeMutablePointer<Float>
    ) throws(CollabError) {
        let buffer = UnsafeMutableBufferPointer(start: floats, count: count)
        try checkpoint.read(name, elements: 0..<count, into: buffer)
        guard VectorKernels.isFinite(buffer) else {
            throw CollabError(
                .notFinite,
                "The tensor “\(name)” of \(checkpoint.name) has elements that are not finite."
            )
        }
    }

    private func joined(_ names: [String], inputs: Int, outputs: Int) throws(CollabError) -> Linear {
        for name in names {
            try check(name + ".weight", [outputs, inputs])
            try check(name + ".bias", [outputs])
        }
        let weight = allocate(names.count * outputs * inputs)
        let bias = allocate(names.count * outputs)
        for (index, name) in names.enumerated() {
            try read(name + ".weight", count: outputs * inputs, into: weight + index * outputs * inputs)
            try read(name + ".bias", count: outputs, into: bias + index * outputs)
        }
        return Linear(weight: weight, bias: bias, inputs: inputs, outputs: names.count * outputs)
    }

    private func norm(_ name: String) throws(CollabError) -> Norm {
        // Files converted from TensorFlow say gamma and beta.
        let isOld = checkpoint.description(of: name + ".gamma") != nil
        let width = configuration.width
        return Norm(
            weight: try load(name + (isOld ? ".gamma" : ".weight"), [width]),
            bias: try load(name + (isOld ? ".beta" : ".bias"), [width])
        )
    }
}
