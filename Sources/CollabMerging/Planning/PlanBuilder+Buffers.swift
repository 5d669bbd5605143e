import Collab
import CollabBackends

// Tensors of whole numbers and truth values, which are no weights: position ids, masks.
extension PlanBuilder {
    /// Takes those of a slice into the result bit for bit, under the names that they have there: those of the slice's base
    /// or, where that takes no part in the slice, of the first source. Notes those of others that are not the same.
    mutating func keepBuffers(
        of sources: [MergeDocument.Source],
        _ ranges: [Range<Int>],
        from base: ModelReference,
        at target: Range<Int>,
        isFirst: Bool,
        isLast: Bool
    ) throws(CollabError) {
        guard document.modules.count == 1 else {
            for source in sources {
                for buffer in shelf.buffers(of: source.model) {
                    note(
                        "“\(buffer.name)” of \(source.model) holds whole numbers, which belong to no module; left out."
                    )
                }
            }
            return
        }
        let donor = sources.firstIndex { $0.model == base } ?? 0
        for place in [donor] + sources.indices.filter({ $0 != donor }) {
            for buffer in shelf.buffers(of: sources[place].model) where !Self.isBuffer(buffer.name) {
                guard let name = Self.name(of: buffer.name, ranges[place], target, isFirst, isLast) else {
                    continue
                }
                guard let kept = buffers[name] else {
                    if place == donor {
                        buffers[name] = buffer.renamed(name)
                    } else {
                        note(
                            "“\(buffer.name)” of \(sources[place].model) holds whole numbers, which "
                                + "\(sources[donor].model) does not have; left out."
                        )
                    }
                    continue
                }
                if place != donor, try !kept.isSame(as: buffer) {
                    note(
                        "“\(buffer.name)” of \(sources[place].model) holds whole numbers that are not those of "
                            + "\(sources[donor].model); the latter are in the result."
                    )
                }
            }
        }
    }
}
