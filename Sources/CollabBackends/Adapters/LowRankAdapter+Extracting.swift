public import Collab
import CollabKernels

extension LowRankAdapter {
    /// What an extraction could not put into the adapter.
    public struct Remainder: Hashable, Sendable, Codable {
        /// By tensor: ‖Δ − B A‖ / ‖Δ‖, the share of the change that is lost.
        public var lost: [String: Double]
        /// Tensors that were changed and are not in the adapter at all: embeddings and vectors.
        public var leftOut: [String]
    }

    /// Makes an adapter of what a fine-tune has changed: the truncated singular value decomposition of every matrix of the
    /// layers, tuned − base.
    ///
    /// Of the models one matrix is in memory at a time, its change in float32; both checkpoints are read once, in slices.
    ///
    /// - Parameters:
    ///   - name: what to call the adapter.
    ///   - tuned: the fine-tuned weights.
    ///   - base: the weights that it was tuned from, in the same names.
    ///   - rank: the most terms of a matrix.
    ///   - energy: terms are added until they hold this share of ‖Δ‖²; 1 uses the whole rank.
    ///   - seed: where chance begins; see the method of Halko et al., which is used.
    ///   - report: told the name of every matrix that is done.
    /// - Returns: the adapter, and what it lacks of the fine-tune.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` for a rank below 1 or an energy outside 0…1, `tensorMismatch` if
    /// the checkpoints have other tensors or nothing was changed, `notFinite`, and `cancelled`.
    public static func extracted(
        _ name: String,
        from tuned: any Checkpoint,
        over base: any Checkpoint,
        rank: Int,
        energy: Double = 1,
        seed: UInt64 = 0,
        reporting report: (_ tensor: String) -> Void = { _ in }
    ) throws(CollabError) -> (adapter: LowRankAdapter, remainder: Remainder) {
        guard rank > 0, energy > 0, energy <= 1 else {
            throw CollabError(
                .invalidRequest,
                "An adapter is extracted with a rank of 1 or more and an energy in 0…1, not \(rank) and \(energy)."
            )
        }
        var (modules, remainder): ([Module], Remainder) = ([], Remainder(lost: [:], leftOut: []))
        for (place, tensor) in base.tensors.enumerated() {
            if Task.isCancelled { throw .cancelled }
            guard let other = tuned.description(of: tensor.name), other.shape == tensor.shape else {
                throw CollabError(
                    .tensorMismatch,
                    "\(tuned.name) has no tensor “\(tensor.name)” of shape \(tensor.shape), as \(base.name) has."
                )
            }
            let isMatrix =
                tensor.shape.count == 2 && isInLayer(tensor.name) && tensor.name.hasSuffix(".weight")
            let change = try TensorChange(of: tensor, from: tuned, over: base, keepingValues: isMatrix)
            if change.squaredNorm == 0 { continue }
            guard isMatrix else {
                remainder.leftOut.append(tensor.name)
                continue
            }
            let sum = RankOneSum(
                of: change.values,
                rows: tensor.shape[0],
                columns: tensor.shape[1],
                rank: rank,
                energy: energy,
                seed: seed &+ UInt64(place)
            )
            guard let module = try sum.module(String(tensor.name.dropLast(".weight".count))) else { continue }
            remainder.lost[tensor.name] = change.share(
                lostBy: RankOneSum(module),
                columns: tensor.shape[1]
            )
            modules.append(module)
            report(tensor.name)
        }
        guard !modules.isEmpty else {
            throw CollabError(
                .tensorMismatch,
                "\(tuned.name) has the same matrices in its layers as \(base.name): there is nothing to extract."
            )
        }
        let naming: TensorNaming = modules.allSatisfy { $0.path.hasPrefix("blk.") } ? .gguf : .huggingFace
        return (try LowRankAdapter(name, modules: modules, naming: naming), remainder)
    }

    /// Whether a tensor belongs to a layer, which runtimes can adapt, and not to the embedding or the output.
    private static func isInLayer(_ tensor: String) -> Bool {
        tensor.split(separator: ".").contains { Int($0) != nil }
    }
}
