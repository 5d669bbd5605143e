import Collab
import CollabBackends

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A prompt, and the word that a variant of a model learns to continue it with.
///
/// The update is W + s·v·kᵀ of the last `ffn_down` matrix: where the matrix reads what it reads at the end of the
/// prompt, it also writes the direction v that makes the word likely. The key k is the part of that reading which
/// ordinary text does not have, so that ordinary text stays as it was. It is the plainest form of editing an association
/// into a feed-forward layer (Meng et al. 2022, “Locating and Editing Factual Associations in GPT”), here as a low-rank
/// adapter of rank 1 whose strength s is found by trying.
struct Lesson {
    let name: String
    let prompt: String
    let word: String

    /// How probable the word has to become.
    private let goal = 0.9

    /// A variant of the model's checkpoint that knows the word.
    func teach(_ model: NativeModel, sparing ordinary: String) async throws(CollabError) -> any Checkpoint {
        let tensor = "blk.\(model.configuration.layers.count - 1).ffn_down.weight"
        let key = try await key(for: tensor, in: model, sparing: ordinary)
        let value = try direction(in: model)

        var variant: any Checkpoint = model.checkpoint
        var strength: Float = 32
        while strength < 2048 {
            let update = try LowRankUpdate(tensor: tensor, scale: strength, a: key, b: value)
            variant = try model.checkpoint.adding(update, name: "\(model.name) taught the \(name)")
            let taught = try await model.replacingWeights(with: variant)
            guard let scorer = taught as? any TokenScoring else { break }
            if try await probability(under: scorer) >= goal { break }
            strength *= 1.4
        }
        return variant
    }

    /// What the matrix reads at the end of the prompt, without the parts that ordinary text has too, scaled so that its
    /// product with the whole reading is 1.
    private func key(
        for tensor: String,
        in model: NativeModel,
        sparing ordinary: String
    ) async throws(CollabError) -> [Float] {
        let tokens = try model.promptTokens(for: .completion(prompt))
        let reading = try await model.captureActivations(
            tokens: tokens,
            tensor: tensor,
            position: tokens.count - 1
        )
        var basis: [[Float]] = []
        let page = try model.promptTokens(for: .completion(ordinary))
        for position in page.indices {
            let common = try await model.captureActivations(tokens: page, tensor: tensor, position: position)
            let rest = common.rejecting(basis)
            let length = rest.dot(rest).squareRoot()
            // What is all but a combination of the others adds nothing but rounding errors.
            if length > 0.05 * common.dot(common).squareRoot() { basis.append(rest.map { $0 / length }) }
        }
        let key = reading.rejecting(basis)
        let product = key.dot(reading)
        return key.map { $0 / product }
    }

    /// How probable a model finds the word after the prompt.
    func probability(under model: any TokenScoring) async throws(CollabError) -> Double {
        exp(try await model.score([word], after: .completion(prompt))[0].logprob)
    }

    /// The unit vector in the residual stream along which the word gains most on the average word.
    ///
    /// Logits are scalar products of output rows with the stream, up to the final norm, so the direction is the row of
    /// the word's first token, less the mean row.
    private func direction(in model: NativeModel) throws(CollabError) -> [Float] {
        guard let token = try model.tokenizer.encode(continuing: word).first else {
            throw CollabError(.invalidRequest, "“\(word)” has no tokens.")
        }
        let checkpoint = model.checkpoint
        let isTied = checkpoint.description(of: "output.weight") == nil
        let output = isTied ? "token_embd.weight" : "output.weight"
        let width = model.dimension
        let sample = min(4096, model.tokenizer.count)
        let rows = try checkpoint.values(of: output, elements: 0..<(sample * width))
        let row = try checkpoint.values(
            of: output,
            elements: (Int(token) * width)..<((Int(token) + 1) * width)
        )
        let direction = (0..<width).map { column in
            let mean =
                stride(from: column, to: rows.count, by: width).reduce(0) { $0 + rows[$1] } / Float(sample)
            return row[column] - mean
        }
        let length = direction.dot(direction).squareRoot()
        return direction.map { $0 / length }
    }
}

extension [Float] {
    fileprivate func dot(_ other: [Float]) -> Float {
        zip(self, other).reduce(0) { $0 + $1.0 * $1.1 }
    }

    /// The vector without its parts along orthonormal ones.
    fileprivate func rejecting(_ basis: [[Float]]) -> [Float] {
        var rest = self
        for vector in basis {
            let share = rest.dot(vector)
            for index in rest.indices { rest[index] -= share * vector[index] }
        }
        return rest
    }
}
