"""System fields of every entity type, in the order a portal prints them.

Sources: b24restdocs api-reference/crm/universal/object-fields.md, crm-item-fields.md,
crm-item-add.md, crm-item-get.md (the printed lead and deal), import/crm-item-import.md and the
`*.fields` pages of the classic methods for what is read-only.

One line per field: name, type, flags, extra. Flags: `r` read-only, `m` multiple, `q` required,
`x` switched off (always null), `d` deprecated, `-` none. Extra is the status
list of a crm_status field, or `@N` for the entity type a reference points at.
"""

from __future__ import annotations

_UTM = """
utmSource string -
utmMedium string -
utmCampaign string -
utmContent string -
utmTerm string -
"""

LEAD = f"""
id integer r
createdTime datetime r
dateCreateShort string rx
updatedTime datetime r
dateModifyShort string rx
createdBy user r
updatedBy user r
assignedById user -
opened boolean q
companyId crm_company - @4
contactId crm_contact d @3
contactIds crm_contact m @3
contacts crm_contact m @3
stageId crm_status - STATUS
isConvert boolean rx
statusDescription text -
stageSemanticId string r
productId string rx
opportunity double -
currencyId crm_currency -
sourceId crm_status - SOURCE
sourceDescription text -
title string -
name string -
lastName string -
secondName string -
shortName string rx
companyTitle string -
post string -
address string rx
comments text -
webformId integer -
originatorId string -
originId string -
dateClosed datetime r
birthdate date -
honorific crm_status - HONORIFIC
hasPhone boolean r
hasEmail boolean r
hasImol boolean r
login string rx
isReturnCustomer boolean r
searchContent text r
isManualOpportunity boolean -
movedBy user r
movedTime datetime r
lastActivityBy user r
lastActivityTime datetime r
observers user m
phoneMobile string r
phoneWork string r
phoneMailing string r
emailHome string r
emailWork string r
emailMailing string r
skype string r
icq string r
imol string r
email string r
phone string r
fm crm_multifield m
{_UTM}
"""

DEAL = f"""
id integer r
createdTime datetime r
dateCreateShort string rx
updatedTime datetime r
dateModifyShort string rx
createdBy user r
updatedBy user r
assignedById user -
opened boolean q
leadId crm_lead - @1
companyId crm_company - @4
contactId crm_contact d @3
contactIds crm_contact m @3
contacts crm_contact m @3
quoteId crm_quote - @7
title string -
productId string rx
categoryId crm_category -
stageId crm_status - DEAL_STAGE
stageSemanticId string r
isNew boolean r
isRecurring boolean -
isReturnCustomer boolean r
isRepeatedApproach boolean r
closed boolean r
typeId crm_status - DEAL_TYPE
opportunity double -
isManualOpportunity boolean -
taxValue double -
currencyId crm_currency -
probability integer -
comments text -
begindate date -
begindateShort string rx
closedate date -
closedateShort string rx
eventDate datetime r
eventDateShort string rx
eventId crm_status r EVENT_TYPE
eventDescription text r
locationId location -
webformId integer -
sourceId crm_status - SOURCE
sourceDescription text -
originatorId string -
originId string -
additionalInfo text -
searchContent text r
orderStage string r
movedBy user r
movedTime datetime r
lastActivityBy user r
lastActivityTime datetime r
isWork boolean rx
isWon boolean rx
isLose boolean rx
receivedAmount double rx
lostAmount double rx
hasProducts boolean rx
observers user m
{_UTM}
"""

CONTACT = f"""
id integer r
createdTime datetime r
updatedTime datetime r
createdBy user r
updatedBy user r
assignedById user -
opened boolean q
companyId crm_company d @4
companyIds crm_company m @4
companies crm_company m @4
leadId crm_lead - @1
sourceId crm_status - SOURCE
sourceDescription text -
typeId crm_status - CONTACT_TYPE
categoryId crm_category -
honorific crm_status - HONORIFIC
name string -
lastName string -
secondName string -
fullName string r
photo file -
post string -
birthdate date -
comments text -
export boolean -
webformId integer -
originatorId string -
originId string -
originVersion string -
faceId integer r
hasPhone boolean r
hasEmail boolean r
hasImol boolean r
searchContent text r
lastActivityBy user r
lastActivityTime datetime r
observers user m
fm crm_multifield m
{_UTM}
"""

COMPANY = f"""
id integer r
createdTime datetime r
updatedTime datetime r
createdBy user r
updatedBy user r
assignedById user -
opened boolean q
contactIds crm_contact m @3
contacts crm_contact m @3
leadId crm_lead - @1
title string -
typeId crm_status - COMPANY_TYPE
categoryId crm_category -
industry crm_status - INDUSTRY
employees crm_status - EMPLOYEES
currencyId crm_currency -
revenue double -
logo file -
bankingDetails text -
comments text -
isMyCompany boolean -
addressLegal text rd
webformId integer -
originatorId string -
originId string -
originVersion string -
ufLogo file r
ufStamp file r
ufDirectorSign file r
ufAccountantSign file r
hasPhone boolean r
hasEmail boolean r
hasImol boolean r
searchContent text r
lastActivityBy user r
lastActivityTime datetime r
observers user m
fm crm_multifield m
{_UTM}
"""

QUOTE = f"""
id integer r
createdTime datetime r
updatedTime datetime r
createdBy user r
updatedBy user r
assignedById user -
opened boolean q
leadId crm_lead - @1
dealId crm_deal - @2
companyId crm_company - @4
contactId crm_contact d @3
contactIds crm_contact m @3
contacts crm_contact m @3
mycompanyId crm_company - @4
title string -
quoteNumber string r
stageId crm_status - QUOTE_STATUS
closed boolean r
opportunity double -
isManualOpportunity boolean -
taxValue double -
currencyId crm_currency -
content text -
contentType integer r
terms text -
termsType integer r
comments text -
commentsType integer r
begindate date -
closedate date -
actualDate date -
storageTypeId integer -
storageElementIds integer m
personTypeId integer r
locationId location -
webformId integer -
clientTitle string r
clientAddr string r
clientContact string r
clientEmail string r
clientPhone string r
clientTpId string r
clientTpaId string r
searchContent text r
lastActivityBy user r
lastActivityTime datetime r
{_UTM}
"""

INVOICE = """
id integer r
title string -
xmlId string -
accountNumber string r
createdTime datetime r
updatedTime datetime r
createdBy user r
updatedBy user r
assignedById user -
opened boolean q
webformId integer -
begindate date -
closedate date -
companyId crm_company - @4
contactId crm_contact d @3
contactIds crm_contact m @3
contacts crm_contact m @3
observers user m
categoryId crm_category r
movedTime datetime r
movedBy user r
stageId crm_status - *
previousStageId crm_status r *
sourceId crm_status - SOURCE
sourceDescription text -
currencyId crm_currency -
isManualOpportunity boolean -
opportunity double -
taxValue double -
mycompanyId crm_company - @4
comments text -
locationId location -
lastActivityBy user r
lastActivityTime datetime r
"""

DYNAMIC = """
id integer r
title string -
xmlId string -
createdTime datetime r
updatedTime datetime r
createdBy user r
updatedBy user r
assignedById user -
opened boolean q
webformId integer -
begindate date -
closedate date -
companyId crm_company - @4
contactId crm_contact d @3
contactIds crm_contact m @3
contacts crm_contact m @3
observers user m
categoryId crm_category -
movedTime datetime r
movedBy user r
stageId crm_status - *
previousStageId crm_status r *
sourceId crm_status - SOURCE
sourceDescription text -
currencyId crm_currency -
isManualOpportunity boolean -
opportunity double -
taxValue double -
mycompanyId crm_company - @4
lastActivityBy user r
lastActivityTime datetime r
"""

#: Which flag of a smart process brings which fields (b24restdocs .../object-fields.md).
DYNAMIC_SWITCHES = {
    "isStagesEnabled": ("stageId", "previousStageId", "movedTime", "movedBy"),
    "isBeginCloseDatesEnabled": ("begindate", "closedate"),
    "isClientEnabled": ("companyId", "contactId", "contactIds", "contacts"),
    "isObserversEnabled": ("observers",),
    "isSourceEnabled": ("sourceId", "sourceDescription"),
    "isLinkWithProductsEnabled": ("currencyId", "isManualOpportunity", "opportunity", "taxValue"),
    "isMycompanyEnabled": ("mycompanyId",),
}

BY_TYPE = {1: LEAD, 2: DEAL, 3: CONTACT, 4: COMPANY, 7: QUOTE, 31: INVOICE}
