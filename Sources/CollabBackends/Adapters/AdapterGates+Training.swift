public import Collab

extension AdapterGates {
    /// Gates that are trained here, each adapter's on texts of its domain: as ``GateTraining`` says, the vector v of each
    /// module is found for which the texts are likeliest under y = W x + σ(v · x) · s B A x.
    ///
    /// No adapter is shown another's texts, so that one trained later needs nothing of the others; what standardising the
    /// gates and the inputs does is make them comparable. Weights are expanded to float32, four bytes a weight beside the
    /// model's own, and every thread keeps what the layers have computed of a window.
    ///
    /// - Parameters:
    ///   - texts: tokens of some texts of each adapter's domain, in the order of the adapters, each text by itself; those of
    ///     fewer than two tokens tell nothing and are left out.
    ///   - adapters: the adapters.
    ///   - base: the model that the adapters belong to.
    ///   - training: how many steps are made, and of what.
    ///   - report: told after each step.
    ///
    /// Throws ``Collab/CollabError`` with `invalidRequest` for settings that make no sense, for texts of another number of
    /// adapters, an adapter without texts or without changes and a token that the model does not know, `tensorMismatch` for
    /// modules that the model lacks or has in another shape, `unsupported` for what can only be merged in, `notFinite` for
    /// weights or losses that are no numbers, and `cancelled`.
    public static func trained(
        on texts: [[[TokenID]]],
        for adapters: [LowRankAdapter],
        over base: NativeModel,
        by training: GateTraining = GateTraining(),
        reporting report: @escaping @Sendable (GateTraining.Progress) -> Void = { _ in }
    ) async throws(CollabError) -> AdapterGates {
        try training.validate()
        guard texts.count == adapters.count, !adapters.isEmpty else {
            throw CollabError(
                .invalidRequest,
                "There are texts for \(texts.count) adapters and \(adapters.count) adapters to train gates for."
            )
        }
        // What is wrong with any adapter is said before time is spent on another.
        var students: [(adapter: GatedAdapter, windows: [[TokenID]])] = []
        for (adapter, texts) in zip(adapters, texts) {
            let windows = try windows(of: texts, for: adapter, over: base, training)
            let gated = try await Background.run { () throws(CollabError) in
                try GatedAdapter(adapter, in: base.configuration, of: base.checkpoint)
            }
            guard !gated.paths.isEmpty else {
                throw CollabError(
                    .invalidRequest,
                    "\(adapter.name) changes nothing that a gate could let through."
                )
            }
            students.append((gated, windows))
        }
        let weights = try await Background.run { () throws(CollabError) in
            try TrainableWeights(base.checkpoint)
        }
        var vectors: [[String: [Float]]] = []
        for (place, student) in students.enumerated() {
            let trainer = GateTrainer(
                weights: weights,
                adapter: student.adapter,
                windows: student.windows,
                training: training
            )
            let gates = try await trainer.run { step, loss in
                report(GateTraining.Progress(adapter: place, step: step, steps: training.steps, loss: loss))
            }
            vectors.append(Dictionary(uniqueKeysWithValues: zip(student.adapter.paths, gates)))
        }
        return AdapterGates(vectors)
    }

    /// What an adapter's gates are trained on.
    private static func windows(
        of texts: [[TokenID]],
        for adapter: LowRankAdapter,
        over base: NativeModel,
        _ training: GateTraining
    ) throws(CollabError) -> [[TokenID]] {
        for token in texts.joined() where token < 0 || Int(token) >= base.configuration.vocabularySize {
            throw CollabError(
                .invalidRequest,
                "A text for the gates of \(adapter.name) has the token \(token), which \(base.name) does not know."
            )
        }
        let windows = training.windows(of: texts, limit: base.contextLength)
        guard !windows.isEmpty else {
            throw CollabError(
                .invalidRequest,
                "\(adapter.name) has no text of at least two tokens to train its gates on."
            )
        }
        return windows
    }
}
