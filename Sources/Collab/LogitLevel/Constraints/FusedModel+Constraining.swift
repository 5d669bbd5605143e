/// A fusion whose members a processor can reach.
protocol MembersProcessing {
    /// The same with a processor between each member and the rule, where that changes nothing but what the rule's mask
    /// goes by; else as it is.
    func processingMaskedMembers(by processor: some LogitProcessor) -> Self
}

// A mask goes by the most probable token. Where a constraint forbids that one, every allowed token may lie below the mask's
// threshold, and nothing would be left. So members are constrained before the rule looks at them. To a log-linear rule that
// makes no other difference: what each member is renormalised by is the same for all tokens. To a linear rule it would.
extension FusedModel: MembersProcessing {
    func processingMaskedMembers(by processor: some LogitProcessor) -> FusedModel {
        guard fusion.combination == .logLinear, (try? plan())?.mask != Fusion.Mask.none else { return self }
        func processed(_ member: some LogitModel) -> any LogitModel { member.processed(by: processor) }
        return FusedModel(name, fusion, members: members.map { processed($0) })
    }
}

extension FuseLogits: MembersProcessing where Members == Team<LogitAccess> {
    func processingMaskedMembers(by processor: some LogitProcessor) -> FuseLogits {
        var copy = self
        copy.fused = model.processingMaskedMembers(by: processor)
        return copy
    }
}

extension LogitFormula: MembersProcessing {
    func processingMaskedMembers(by processor: some LogitProcessor) -> LogitFormula {
        var copy = self
        copy.fused = fused.processingMaskedMembers(by: processor)
        return copy
    }
}
