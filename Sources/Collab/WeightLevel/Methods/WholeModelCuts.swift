internal import CollabKernels

/// Where the task vectors of whole models are cut so that a share of their elements is kept: measured once for all
/// tensors of a merge.
///
/// The vector of a model is its tensors' in the order of their names; of equal magnitudes the first are kept.
final class WholeModelCuts: Sendable {
    private struct Cut: Sendable {
        /// Where each tensor begins in the model's vector.
        var starts: [String: Int]
        /// By member; `nil` where all or nothing is kept.
        var cuts: [MagnitudeCut?]
    }

    private let known = Protected<[[Double]: Result<Cut, CollabError>]>([:])

    /// What is kept of each member's part of the inputs' tensor.
    func rules(for inputs: TensorInputs, densities: [Double]) throws(CollabError) -> [Thinning.Rule] {
        // Held while the models are read, so that threads that come meanwhile wait instead of reading them too.
        let result = known.withLock { known in
            if let cut = known[densities] { return cut }
            let cut = Result { () throws(CollabError) in try Self.measure(inputs, densities) }
            // A cancelled measurement may be wanted again.
            if case .failure(let error) = cut, error.code == .cancelled { return cut }
            known[densities] = cut
            return cut
        }
        let cut = try result.get()
        let start = cut.starts[inputs.tensor.name] ?? 0
        return densities.indices.map { member in
            if densities[member] <= 0 { return .nothing }
            guard let cut = cut.cuts[member] else { return .everything }
            // Where the last of equal magnitudes lies before the tensor, only larger ones are kept.
            return .magnitude(
                cut.lastEqual < start
                    ? MagnitudeCut(bits: cut.bits + 1, lastEqual: .max - 1)
                    : MagnitudeCut(bits: cut.bits, lastEqual: cut.lastEqual - start)
            )
        }
    }

    private static func measure(_ inputs: TensorInputs, _ densities: [Double]) throws(CollabError) -> Cut {
        let tensors = (inputs.base?.tensors ?? []).sorted { $0.name < $1.name }
        var (starts, total): ([String: Int], Int) = ([:], 0)
        for tensor in tensors {
            starts[tensor.name] = total
            total += tensor.elementCount
        }
        var selections = densities.map { density in
            density > 0 && density < 1 && total > 0
                ? MagnitudeSelection(count: max(1, Int(density * Double(total)))) : nil
        }
        while true {
            let open = selections.indices.filter { selections[$0].map { !$0.isDone } ?? false }
            if open.isEmpty { break }
            for tensor in tensors {
                let part = TensorInputs(
                    tensor: tensor,
                    members: inputs.members,
                    base: inputs.base,
                    requiresFinite: inputs.requiresFinite
                )
                try part.forEachDelta(of: open) { deltas, _ in
                    for (place, member) in open.enumerated() {
                        selections[member]?.add(UnsafeBufferPointer(deltas[place]))
                    }
                    return true
                }
            }
            for member in open { selections[member]?.endPass() }
        }
        return Cut(starts: starts, cuts: selections.map { $0?.cut })
    }
}
