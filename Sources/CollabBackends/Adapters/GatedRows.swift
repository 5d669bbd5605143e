import Collab
import CollabKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a gated change has added to a linear layer's outputs for the tokens of a text, as it was computed.
struct GatedRows: Sendable {
    private let part: GatedAdapter.Part
    private let gate: [Float]
    private let input: Rows
    /// A x, one row a token.
    private let components: Rows
    /// σ(v · x), one a token.
    private let openings: [Float]
    /// W x, where rows are given lengths.
    private let unchanged: Rows?

    /// Which of the gates let it through.
    var place: Int { part.gate }

    /// Adds the change to W x.
    ///
    /// - Parameters:
    ///   - gate: the vector v.
    ///   - input: x, one row a token.
    ///   - output: W x, which becomes y.
    init(_ part: GatedAdapter.Part, gate: [Float], input: Rows, addedTo output: inout Rows) {
        self.part = part
        self.gate = gate
        self.input = input
        components = input.through(part.rows, outputs: part.rank)
        openings = (0..<input.count).map { row in
            let product = input.values.withUnsafeBufferPointer { values in
                VectorKernels.dot(values.baseAddress! + row * input.width, gate, count: input.width)
            }
            return 1 / (1 + expf(-product))
        }
        unchanged = part.gains == nil ? nil : output
        stretch(&output)
        output += components.scaled(by: openings).back(through: part.columns, inputs: output.width)
    }

    /// Multiplies each output by 1 + σ g, where rows are given lengths.
    private func stretch(_ rows: inout Rows) {
        guard let gains = part.gains else { return }
        for (row, opening) in openings.enumerated() {
            let start = row * rows.width
            for place in 0..<rows.width { rows.values[start + place] *= 1 + opening * gains[place] }
        }
    }

    /// The gradients of W x, of x as far as the change has read it, and of the gate, of that of y:
    /// ∂L/∂v = Σ (∂L/∂y · s B A x) σ′(v · x) x over the tokens.
    func back(_ gradient: Rows) -> (output: Rows, input: Rows, gate: [Float]) {
        let reached = gradient.through(part.columns, outputs: part.rank)
        let slopes = openings.enumerated().map { row, opening in
            sum(gradient, reached, row) * opening * (1 - opening)
        }
        var read = reached.scaled(by: openings).back(through: part.rows, inputs: input.width)
        var own = [Float](repeating: 0, count: input.width)
        for (row, slope) in slopes.enumerated() {
            for place in 0..<input.width {
                own[place] += slope * input.values[row * input.width + place]
                read.values[row * input.width + place] += slope * gate[place]
            }
        }
        var output = gradient
        stretch(&output)
        return (output, read, own)
    }

    /// How a token's loss changes with its opening.
    private func sum(_ gradient: Rows, _ reached: Rows, _ row: Int) -> Float {
        var sum = 0.0
        for place in row * part.rank..<(row + 1) * part.rank {
            sum += Double(reached.values[place]) * Double(components.values[place])
        }
        guard let gains = part.gains, let unchanged else { return Float(sum) }
        for (place, gain) in gains.enumerated() {
            let index = row * gradient.width + place
            sum += Double(gradient.values[index] * gain) * Double(unchanged.values[index])
        }
        return Float(sum)
    }
}

extension Rows {
    /// Each row times a factor of its own.
    fileprivate func scaled(by factors: [Float]) -> Rows {
        var result = self
        for (row, factor) in factors.enumerated() {
            for place in row * width..<(row + 1) * width { result.values[place] *= factor }
        }
        return result
    }
}
