public import Collab
import CollabBackends
import CollabKernels

extension MergeWriter {
    /// Whether the folder holds the complete result of this very merge: of the same configuration and seed, from input
    /// files that are the same and have not been written since, in the same files.
    ///
    /// Several merges of one configuration are gone on with by leaving out those that are finished. Throws
    /// ``Collab/CollabError`` with what reading the inputs throws.
    public func isFinished() throws(CollabError) -> Bool {
        guard let card = try? MappedFile(path: target + "/README.md") else { return false }
        let text = withExtendedLifetime(card) { String(decoding: card.bytes, as: UTF8.self) }
        let layout = ShardLayout(plan, limit: options.shardByteCount)
        guard layout.shards.allSatisfy({ FileStamp(of: target + "/" + $0.file).byteCount > 0 }) else {
            return false
        }
        return text.hasSuffix(ResultFolder.mark(identity(try inputIdentities(), layout)))
    }

    /// Clears up behind a run of this very merge that was killed when its result had taken its place already: removes its
    /// journal, and the folder that was replaced.
    ///
    /// Returns whether there was such a run; then the result ``isFinished()``, and nothing is left to do. Throws
    /// ``Collab/CollabError`` with what reading the inputs throws.
    public func concludeEarlierRun() throws(CollabError) -> Bool {
        let partial = PartialFolder(path: partialFolder, final: target)
        guard partial.hasLeftovers, try isFinished() else { return false }
        partial.clearUp(flushing: options.flushes)
        return true
    }

    func inputIdentities() throws(CollabError) -> [InputIdentity] {
        var identities: [InputIdentity] = []
        for file in plan.files {
            identities.append(try InputIdentity(of: file, hashingAll: options.hashesInputs))
        }
        return identities
    }

    /// What a run must share with an earlier one to go on with its files.
    ///
    /// The stamps of the inputs are part of it, so that a change that no sample shows counts as well; a copy of the same
    /// inputs counts as other files.
    func identity(_ inputs: [InputIdentity], _ layout: ShardLayout) -> String {
        var text = configuration + "\n\(plan.seed) \(plan.requiresFinite)\n\(plan.chatTemplate ?? "")\n"
        for input in inputs {
            text += "\(input.model) \(input.file) \(input.byteCount) \(input.digest) \(input.stamp)\n"
        }
        for shard in layout.shards {
            text += shard.file + "\n"
            for tensor in shard.tensors { text += "\(tensor.name) \(tensor.shape) \(tensor.format)\n" }
        }
        return Self.digest(text)
    }

    static func digest(_ text: String) -> String {
        var hash = SHA256()
        hash.update(Array(text.utf8))
        return hash.digest().description
    }
}
