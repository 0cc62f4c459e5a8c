// The rows of the fault table. The types require a row for each fault of the stand-in.
import type { AnswerFault, CallbackFault, CdnFault, TaskFault } from '../../../../sim/index.ts';
import type { Outcome } from './outcome.ts';

/** A fault by its name, and what must come of it. */
export type Row<Fault> = [name: string, fault: Fault, expected: Outcome];

/** At least one. */
export type Rows<Fault> = [Row<Fault>, ...Row<Fault>[]];

/** Of one call, or of one call after the other. */
export type Calls<Fault> = Fault | Fault[];

type LostWay = Extract<AnswerFault, { kind: 'lost' }>['how'];
type AnswerKind = Exclude<AnswerFault['kind'], 'lost'> | `lost: ${LostWay}`;
type AnswerFaultOf<Kind> = Kind extends `lost: ${infer How extends LostWay}`
  ? { kind: 'lost'; how: How; status?: number }
  : Extract<AnswerFault, { kind: Kind }>;

/** Of an endpoint's answers. */
export type AnswerRows = { [Kind in AnswerKind]: Rows<Calls<AnswerFaultOf<Kind>>> };

export type CdnRows = { [Kind in CdnFault['kind']]: Rows<Calls<Extract<CdnFault, { kind: Kind }>>> };

export type TaskRows = { [Name in keyof TaskFault]-?: Rows<Required<Pick<TaskFault, Name>>> };

type Body = NonNullable<CallbackFault['body']>;
type BodyFaults = { [Name in Extract<Body, string> as `body: ${Name}`]: { body: Name } } & {
  'body: any other': { body: Exclude<Body, string> };
};
type CallbackFaults = Omit<Required<CallbackFault>, 'body'>;

export type CallbackRows = { [Name in keyof BodyFaults]: Rows<BodyFaults[Name]> } & {
  [Name in keyof CallbackFaults]: Rows<Pick<CallbackFaults, Name>>;
};

/** More often than anything is tried here. */
export function always<Fault>(fault: Fault): Fault[] {
  return Array.from({ length: 1000 }, () => fault);
}
