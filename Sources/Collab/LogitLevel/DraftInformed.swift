/// A model that may decide itself what it makes of earlier stages' drafts.
protocol DraftInformed {
    /// The same model, knowing some drafts; `nil` if it does not decide that itself.
    func informed(by drafts: [Draft]) -> (any LogitModel)?
}

extension RoleModel: DraftInformed {
    func informed(by drafts: [Draft]) -> (any LogitModel)? {
        RoleModel(name, of: base, drafts: drafts, render: render)
    }
}

// A role stays a role under another name or with further instructions.
extension AdaptedModel: DraftInformed where Base: LogitModel {
    func informed(by drafts: [Draft]) -> (any LogitModel)? {
        guard let base = (base as? any DraftInformed)?.informed(by: drafts) else { return nil }
        return adapting(base)
    }

    private func adapting<Other: LogitModel>(_ base: Other) -> any LogitModel {
        AdaptedModel<Other>(base, name: name, adapt: adapt, finish: finish)
    }
}
