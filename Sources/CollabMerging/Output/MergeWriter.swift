public import Collab
import CollabBackends
import CollabKernels

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Writes the result of a merge into a folder: weights, configuration, tokenizer, and a card.
///
/// Everything is written into a hidden folder beside the target, whose name it gets when all of it is on the disk: a
/// reader sees the old folder or the whole new one, and files of the two never mix. A run that ends early leaves the
/// hidden folder, and the next run of the same merge goes on where it was.
public struct MergeWriter: Sendable {
    /// What is written.
    public let plan: MergePlan
    /// Where.
    public let folder: String
    /// How.
    public let options: MergeOptions
    /// The text of the configuration, for the card.
    public let configuration: String
    /// Where the folder really is: what is exchanged is a folder, not a link to one.
    let target: String

    /// How many elements are computed at a time: few enough that they stay in a core's own cache until they are written.
    private static let blockElements = 1 << 16

    /// Makes a writer.
    public init(
        _ plan: MergePlan,
        to folder: String,
        configuration: String,
        options: MergeOptions = MergeOptions()
    ) {
        self.plan = plan
        var folder = folder
        while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
        self.folder = folder
        target = FilePlace.resolved(folder) ?? folder
        self.configuration = configuration
        self.options = options
    }

    /// Where the result stands until it is complete.
    public var partialFolder: String {
        let parts = target.split(separator: "/", omittingEmptySubsequences: false)
        return (parts.dropLast() + ["." + (parts.last ?? "") + ".partial"]).joined(separator: "/")
    }

    /// Runs the merge on threads of its own.
    ///
    /// - Parameter report: told how far it is, a few times a second, on one of those threads.
    ///
    /// Throws ``Collab/CollabError`` as ``check()`` does, with `inputOutput` for a folder that cannot be written, `notFinite`
    /// naming a tensor, `cancelled`, and what reading the inputs throws.
    public func run(
        reporting report: @escaping @Sendable (MergeProgress) -> Void = { _ in }
    ) async throws(CollabError) -> MergeSummary {
        let flag = Protected(false)
        let task = Task.detached { () -> Result<MergeSummary, CollabError> in
            do throws(CollabError) {
                return .success(
                    try await Background.run { () throws(CollabError) in
                        try runBlocking(reporting: report) { flag.withLock { $0 } }
                    }
                )
            } catch {
                return .failure(error)
            }
        }
        let result = await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            flag.withLock { $0 = true }
        }
        return try result.get()
    }

    /// Runs the merge and blocks the calling thread until it is done.
    ///
    /// - Parameters:
    ///   - report: told how far it is.
    ///   - isCancelled: asked between blocks.
    func runBlocking(
        reporting report: @escaping @Sendable (MergeProgress) -> Void,
        isCancelled: @escaping @Sendable () -> Bool
    ) throws(CollabError) -> MergeSummary {
        try check()
        if plan.format == .safetensors { _ = try plan.stored(as: .safetensors) }
        try checkScratchSpace()
        let partial = PartialFolder(path: partialFolder, final: target)
        try partial.make()
        let identities = try inputIdentities()
        let layout = ShardLayout(plan, limit: options.shardByteCount)
        let identity = self.identity(identities, layout)
        let journal = try MergeJournal(
            folder: partialFolder,
            identity: options.resumes ? identity : "none: \(getpid()) \(plan.seed)"
        )
        partial.removeFiles(except: Set(layout.shards.map(\.file) + [MergeJournal.fileName]))
        var shards: [WeightShard] = []
        for (place, shard) in layout.shards.enumerated() {
            let buffers = place == 0 ? plan.buffers : []
            let file = try fileLayout(of: shard.tensors, buffers, inputs: identities)
            shards.append(try WeightShard(path: partialFolder + "/" + shard.file, layout: file))
        }
        // The result's own space, which is taken now, may be on the same disk.
        try checkScratchSpace()
        let board = MergeBoard(
            shards,
            plan: plan,
            journal: journal,
            flushes: options.flushes,
            report: report,
            isCancelled: isCancelled
        )
        try board.run(threads: options.threads ?? WorkerPool.physicalCores, blockElements: Self.blockElements)
        if options.flushes { for shard in shards { try shard.synchronise() } }
        try ResultFolder(plan: plan, path: partialFolder).write(
            layout,
            configuration: configuration,
            inputs: identities,
            identity: identity
        )
        try partial.finish(replacing: options.replacesFolder, flushing: options.flushes)
        withExtendedLifetime(journal) {}
        let progress = board.progress
        return MergeSummary(
            folder: folder,
            files: layout.shards.map(\.file),
            progress: progress,
            resumedTensors: board.resumedTensors
        )
    }

    private func checkScratchSpace() throws(CollabError) {
        let scratch = plan.forecast(threads: options.threads).scratchByteCount
        do throws(KernelError) { try ScratchFile.checkSpace(for: scratch) } catch {
            throw CollabError(.inputOutput, "The merge's scratch files: \(error.message)", cause: error)
        }
    }

    /// Where everything goes in a file, with what it was made of in its metadata: the configuration, the seed, and the
    /// hashes of the inputs.
    private func fileLayout(
        of tensors: [TensorDescription],
        _ buffers: [StoredBuffer],
        inputs: [InputIdentity]
    ) throws(CollabError) -> WeightLayout {
        let digest = Self.digest(configuration)
        let sources = String(decoding: JSONValue.array(inputs.map(\.json)).encoded(), as: UTF8.self)
        switch plan.format {
        case .safetensors:
            let metadata = [
                "format": "pt", "made_with": "Collab", "merge_method": plan.document.method,
                "merge_configuration": configuration, "merge_configuration_sha256": digest,
                "merge_inputs": sources, "merge_seed": "\(plan.seed)",
            ]
            return try WeightLayout(safetensors: tensors, buffers: buffers, metadata: metadata)
        case .gguf(let quantisation):
            var metadata = try GGUFMetadataWriter(
                describing: plan.result,
                tokenizer: plan.tokenizerDonor,
                layerCount: plan.layerCount,
                quantisation: quantisation
            )
            metadata.set("general.name", .string(plan.document.name ?? "merge by \(plan.document.method)"))
            metadata.set("collab.merge.method", .string(plan.document.method))
            metadata.set("collab.merge.configuration", .string(configuration))
            metadata.set("collab.merge.configuration_sha256", .string(digest))
            metadata.set("collab.merge.inputs", .string(sources))
            metadata.set("collab.merge.seed", .string("\(plan.seed)"))
            if let template = plan.chatTemplate { metadata.set("tokenizer.chat_template", .string(template)) }
            return try WeightLayout(gguf: tensors, metadata: metadata)
        }
    }
}
