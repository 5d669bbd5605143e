/// A model in which there may be fusions, whose masks should know of a constraint.
///
/// A mask goes by the most probable tokens. Where a constraint forbids those, all that it allows may lie below the mask's
/// threshold, and nothing would be left. So a fusion that knows of a constraint lets pass in addition what its mask would
/// let pass if there were only the allowed tokens. Whoever wraps a model hands the constraint on, whatever lies between;
/// what is forbidden is left to the ``ConstrainedModel`` outside, so nothing else changes.
protocol ConstraintInformed {
    /// The same model, of whose answers it is known that they have to be what a constraint demands.
    func informed(of constraint: Constraint) -> Self
}

/// A model, or the same one knowing of a constraint if it makes a difference to it.
func informed<Model: LogitModel>(_ model: Model, of constraint: Constraint) -> Model {
    (model as? any ConstraintInformed)?.informed(of: constraint) as? Model ?? model
}

/// Models of any type, each knowing of a constraint if it makes a difference to it.
func informed(_ models: [any LogitModel], of constraint: Constraint) -> [any LogitModel] {
    func opened(_ model: some LogitModel) -> any LogitModel { informed(model, of: constraint) }
    return models.map { opened($0) }
}

// MARK: Fusions

extension FusedModel: ConstraintInformed {
    func informed(of constraint: Constraint) -> FusedModel {
        var copy = FusedModel(
            name,
            seedName: seedName,
            fusion,
            members: Collab.informed(members, of: constraint)
        )
        copy.constraints = constraints + [constraint]
        return copy
    }
}

extension FuseLogits: ConstraintInformed where Members == Team<LogitAccess> {
    func informed(of constraint: Constraint) -> FuseLogits {
        var copy = self
        copy.fused = model.informed(of: constraint)
        return copy
    }
}

extension LogitFormula: ConstraintInformed {
    func informed(of constraint: Constraint) -> LogitFormula {
        var copy = self
        copy.fused = fused.informed(of: constraint)
        return copy
    }
}

extension FuseUnion: ConstraintInformed {
    func informed(of constraint: Constraint) -> FuseUnion {
        var copy = self
        copy.constraints.append(constraint)
        return copy
    }
}

extension FuseBytes: ConstraintInformed where Members == Team<LogitAccess> {
    func informed(of constraint: Constraint) -> FuseBytes {
        var copy = self
        copy.constraints.append(constraint)
        return copy
    }
}

// MARK: Wrappers

extension AlternatingModel: ConstraintInformed {
    func informed(of constraint: Constraint) -> AlternatingModel {
        AlternatingModel(base: base.informed(of: constraint), length: length, agreement: agreement)
    }
}

extension SpeculativeModel: ConstraintInformed {
    func informed(of constraint: Constraint) -> SpeculativeModel {
        SpeculativeModel(base: Collab.informed(base, of: constraint), proposer: proposer, length: length)
    }
}

extension ProcessedModel: ConstraintInformed {
    func informed(of constraint: Constraint) -> ProcessedModel {
        ProcessedModel(base: Collab.informed(base, of: constraint), processor: processor)
    }
}

extension ConstrainedModel: ConstraintInformed {
    func informed(of other: Constraint) -> ConstrainedModel {
        ConstrainedModel(Collab.informed(base, of: other), constraint)
    }
}

extension ClassifiedModel: ConstraintInformed {
    func informed(of constraint: Constraint) -> ClassifiedModel {
        ClassifiedModel(
            base: Collab.informed(base, of: constraint),
            classifier: classifier,
            strength: strength,
            candidates: candidates
        )
    }
}

extension RoleModel: ConstraintInformed {
    func informed(of constraint: Constraint) -> RoleModel {
        RoleModel(name, of: Collab.informed(base, of: constraint), drafts: drafts, render: render)
    }
}

extension AdaptedModel: ConstraintInformed where Base: LogitModel {
    func informed(of constraint: Constraint) -> AdaptedModel {
        AdaptedModel(
            Collab.informed(base, of: constraint),
            name: name,
            profile: profile,
            adapt: adapt,
            finish: finish,
            isPriced: isPriced
        )
    }
}

extension TokenCascade: ConstraintInformed {
    func informed(of constraint: Constraint) -> TokenCascade {
        var copy = self
        copy.small = Collab.informed([small], of: constraint)[0]
        copy.large = Collab.informed([large], of: constraint)[0]
        return copy
    }
}

extension UnionModel: ConstraintInformed {
    func informed(of constraint: Constraint) -> UnionModel {
        var copy = self
        copy.base = Collab.informed([base], of: constraint)[0]
        return copy
    }
}

extension ByteModel: ConstraintInformed {
    func informed(of constraint: Constraint) -> ByteModel {
        var copy = self
        copy.base = Collab.informed([base], of: constraint)[0]
        return copy
    }
}

extension Replicas: ConstraintInformed where Access: LogitReadable {
    func informed(of constraint: Constraint) -> Replicas {
        var copy = self
        copy.team.members = team.members.map { member in
            Collab.informed([Access.logitModel(member)], of: constraint)[0] as? Access.Member ?? member
        }
        return copy
    }
}
